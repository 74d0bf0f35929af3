package route

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// written is a value as people write it: its grammar reads it back.
func written(value any, is string) string {
	switch v := value.(type) {
	case time.Duration:
		return ofTime(v)
	case int64: // bytes
		if v == 0 && strings.HasSuffix(is, "or off") {
			return "off"
		}
		return ofSize(v)
	case int:
		switch {
		case v == 0 && is == "connections":
			return "off"
		case v == 0 && is == "workers":
			return "auto"
		}
	case netip.Prefix:
		return shown(v)
	}
	return fmt.Sprint(value)
}

// String writes the version as people do.
func (v Version) String() string {
	if v.Patch < 0 {
		return fmt.Sprintf("%d.%d", v.Major, v.Minor)
	}
	return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch)
}

// String writes the property as people do.
func (k Key) String() string {
	if k.Name == "" {
		return k.Of
	}
	return k.Of + ":" + k.Name
}

// String writes the rate as people do.
func (r Rate) String() string {
	switch {
	case r.Count == 0:
		return "off"
	case r.Per == time.Minute:
		return fmt.Sprintf("%d/m", r.Count)
	}
	return fmt.Sprintf("%d/s", r.Count)
}

// String writes what is compared with as people do.
func (m Match) String() string {
	switch {
	case m.Kind == Present:
		return "*"
	case m.Kind == Like && m.AnyCase:
		return "~* " + m.Text
	case m.Kind == Like:
		return "~ " + m.Text
	}
	return m.Text
}

// String writes the address as people do.
func (t Target) String() string {
	if t.Host == "" {
		return t.Path
	}
	s := t.Scheme + "://" + t.Host
	if t.Port != 0 {
		s += fmt.Sprintf(":%d", t.Port)
	}
	return s + t.Path
}
