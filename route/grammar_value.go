package route

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

var sizeForm = regexp.MustCompile(`^0*([0-9]{1,13})([kmg]?)$`)

const (
	maxSize = 1 << 40
)

// shifts are what the units of sizes multiply by, in bits.
var shifts = map[string]int{"": 0, "k": 10, "m": 20, "g": 30}

// sizes are those from least to most, and some words.
func sizes(least, most int64, words ...string) schema {
	ways := slices.Clone(words)
	for _, unit := range []string{"", "k", "m", "g"} {
		from, to := (least+1<<shifts[unit]-1)>>shifts[unit], most>>shifts[unit]
		ways = append(ways, padded(from, to)+unit)
	}
	examples := []any{"10m"}
	for _, word := range words {
		examples = append(examples, word)
	}
	return numbers(int(least), int(most)).orTexts(strings.Join(ways, "|")).like(examples...).with("errorMessage", told("a size", readSizeIn(least, most), "", fmt.Sprint(most+1)))
}

func readSize(s string) (any, string, string) {
	m := sizeForm.FindStringSubmatch(s)
	if m == nil {
		return nil, fmt.Sprintf("%s is not a size", quote(s)), "write a number of bytes, or one with k, m or g, like 10m"
	}
	n, _ := strconv.ParseInt(m[1], 10, 64) // at most 13 digits
	shift := shifts[m[2]]
	if n < 1 || n > maxSize>>shift {
		return nil, fmt.Sprintf("%s is out of range", quote(s)), "a size is at least 1 byte and at most 1024g"
	}
	return n << shift, "", ""
}

// ofSize writes a size as people do.
func ofSize(n int64) string {
	for _, unit := range []string{"", "k", "m"} {
		if n < 1<<10 || n%(1<<10) != 0 {
			return fmt.Sprintf("%d%s", n, unit)
		}
		n >>= 10
	}
	return fmt.Sprintf("%dg", n)
}

// readSizeIn takes sizes from least to most.
func readSizeIn(least, most int64) func(string) (any, string, string) {
	return func(s string) (any, string, string) {
		size, complaint, hint := readSize(s)
		if complaint != "" {
			return nil, complaint, hint
		}
		if n := size.(int64); n < least || n > most {
			return nil, fmt.Sprintf("%s is out of range", quote(s)), fmt.Sprintf("it takes from %s to %s", ofSize(least), ofSize(most))
		}
		return size, "", ""
	}
}

func readSizeOrOff(s string) (any, string, string) {
	if s == "off" {
		return int64(0), "", ""
	}
	return readSize(s)
}

const (
	day           = 24 * time.Hour
	durationPiece = `0*[0-9]{1,9}(?:ms|s|m|h|d)`
)

var (
	durationForm = regexp.MustCompile(`^(?:` + durationPiece + `)+$`)
	durationPart = regexp.MustCompile(`([0-9]+)(ms|s|m|h|d)`)
)

var units = map[string]time.Duration{"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour, "d": day}

// durations are those from least to most that are a multiple of one. A sum of
// several parts is beyond what a regular expression can know.
func durations(least, most, one time.Duration) schema {
	const mostInPart = 999_999_999
	ways := []string{"(?:" + durationPiece + "){2,}"}
	for _, name := range []string{"ms", "s", "m", "h", "d"} {
		unit := units[name]
		zeros := ""
		for unit < one {
			unit, zeros = unit*10, zeros+"0"
		}
		if from, to := (least+unit-1)/unit, min(most/unit, mostInPart); from <= to {
			ways = append(ways, padded(int64(from), int64(to))+zeros+name)
		}
	}
	example := "30s"
	if most > day {
		example = "30d"
	}
	return texts(strings.Join(ways, "|")).like(example).
		with("errorMessage", told("a duration", readDuration("it", least, most), "", "0s"))
}

// readDuration takes durations from least to most.
func readDuration(what string, least, most time.Duration) func(string) (any, string, string) {
	return func(s string) (any, string, string) {
		if !durationForm.MatchString(s) {
			return nil, fmt.Sprintf("%s is not a duration", quote(s)), "write a number with ms, s, m, h or d, like 30s or 1m30s"
		}
		sum := time.Duration(0)
		for _, m := range durationPart.FindAllStringSubmatch(s, -1) {
			n, _ := strconv.Atoi(m[1]) // at most nine digits
			if unit := units[m[2]]; time.Duration(n) > (most-sum)/unit {
				sum = most + 1
				break
			}
			sum += time.Duration(n) * units[m[2]]
		}
		if sum < least || sum > most {
			return nil, fmt.Sprintf("%s is out of range", quote(s)), fmt.Sprintf("%s takes from %s to %s", what, ofTime(least), ofTime(most))
		}
		return sum, "", ""
	}
}

const leastWhole, mostWhole = time.Second, time.Hour

// readSeconds takes what nginx counts in whole seconds.
func readSeconds(s string) (any, string, string) {
	d, complaint, hint := readDuration("it", leastWhole, mostWhole)(s)
	if complaint == "" && d.(time.Duration)%time.Second != 0 {
		return nil, fmt.Sprintf("%s has a part of a second", quote(s)), "write whole seconds"
	}
	return d, complaint, hint
}

// ofTime writes a duration as people do.
func ofTime(d time.Duration) string {
	for _, unit := range []string{"d", "h", "m", "s", "ms"} {
		if d%units[unit] == 0 && !(unit == "d" && d == day) {
			return fmt.Sprintf("%d%s", d/units[unit], unit)
		}
	}
	return d.String()
}

var rateForm = regexp.MustCompile(`^0*([0-9]{1,6})/([sm])$`)

const maxRate = 999_999

func readRateOrOff(s string) (any, string, string) {
	if s == "off" {
		return Rate{}, "", ""
	}
	m := rateForm.FindStringSubmatch(s)
	if m == nil {
		return nil, fmt.Sprintf("%s is not a rate", quote(s)), "write a number of requests for a second or a minute, like 10/s or 90/m, or off"
	}
	n, _ := strconv.Atoi(m[1]) // at most six digits
	if n == 0 {
		return nil, fmt.Sprintf("%s lets nobody through", quote(s)), "write at least 1/m"
	}
	return Rate{n, units[m[2]]}, "", ""
}

const maxConnections = 65535

// readConnectionsOrOff takes what nginx's limit_conn does.
func readConnectionsOrOff(s string) (any, string, string) {
	if s == "off" {
		return 0, "", ""
	}
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n == 0 {
		return nil, fmt.Sprintf("%s is not a number of connections", quote(s)), "write a whole number from 1 to 65535, or off"
	}
	return int(n), "", ""
}

// redirectStatuses are those that take a Location (RFC 9110, 15.4).
var redirectStatuses = []int{301, 302, 303, 307, 308}

func readRedirectStatus(s string) (any, string, string) {
	n, err := strconv.Atoi(s)
	if err != nil || !slices.Contains(redirectStatuses, n) {
		return nil, fmt.Sprintf("%s is not the status of a redirect", quote(s)), "it is 301, 302, 303, 307 or 308"
	}
	return n, "", ""
}

// HeaderVariables are nginx's variables that the value of a header may hold: none
// of them can hold the end of a line, as the name that a client asks for in TLS
// ($ssl_server_name) can. All have a value when headers are written, which the
// time of the whole response has not.
var HeaderVariables = []string{
	"args", "connection", "host", "hostname", "msec", "remote_addr", "remote_port", "request_id", "request_method",
	"request_time", "request_uri", "scheme", "server_port", "server_protocol", "ssl_cipher", "ssl_client_fingerprint",
	"ssl_client_s_dn", "ssl_client_serial", "ssl_client_verify", "ssl_protocol", "time_iso8601",
	"upstream_addr", "upstream_cache_status", "upstream_connect_time", "upstream_header_time", "upstream_status",
}

var variableForm = regexp.MustCompile(`\$([A-Za-z0-9_]*)`)

const maxHeaderValue = 2000

// headerValueSchema wants behind the name of a variable what is no part of a name.
var headerValueSchema = texts("[ -#%-~]*(?:\\$(?:" + strings.Join(HeaderVariables, "|") + ")(?:[ !\"#%-/:-@\\[-^`{-~][ -#%-~]*)?)*").like("no-store").upTo(maxHeaderValue)

func readHeaderValue(s string) (any, string, string) {
	if len(s) > maxHeaderValue || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
		return nil, fmt.Sprintf("%s is not the value of a header", quote(s)), "a value has up to 2000 printable characters of ASCII"
	}
	for _, m := range variableForm.FindAllStringSubmatch(s, -1) {
		if !slices.Contains(HeaderVariables, m[1]) {
			return nil, fmt.Sprintf("there is no variable %s for headers", quote(m[0])), "the variables are " + strings.Join(HeaderVariables, ", ")
		}
	}
	return s, "", ""
}

var mediaForm = regexp.MustCompile(`^[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+-]{0,80}$`)

func readMediaType(s string) (any, string, string) {
	if !mediaForm.MatchString(s) {
		return nil, fmt.Sprintf("%s is not a media type", quote(s)), "write one like text/html, without parameters"
	}
	return s, "", ""
}

// longestInHash is how long a name is at most where nginx keeps names in a hash
// that nobody can make wider: gzip_types, and the headers of gRPC.
const longestInHash = 46

func readHashedType(s string) (any, string, string) {
	if mediaForm.MatchString(s) && len(s) > longestInHash {
		return nil, quote(s) + " is too long for nginx to compress", fmt.Sprintf("leave it out; a type has up to %d characters here", longestInHash)
	}
	return readMediaType(s)
}

// maxBodyText bounds what stands in a configuration file.
const maxBodyText = 64 << 10

var bodySchema = texts(`[^\x00-\x08\x0b-\x1f\x7f]*`).upTo(maxBodyText).with("errorMessage", told("text", readBody, strings.Repeat("x", maxBodyText+1)))

func readBody(s string) (any, string, string) {
	switch {
	case len(s) > maxBodyText:
		return nil, fmt.Sprintf("this text has %d bytes", len(s)), "up to 64 KiB are sent from the configuration; serve longer ones from a pool"
	case strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r == 127 }):
		return nil, "this text has control characters", "take them out"
	}
	return s, "", ""
}

var wordsForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._,:;@()/+-]{0,99}$`)

func readWords(s string) (any, string, string) {
	if !wordsForm.MatchString(s) {
		return nil, fmt.Sprintf("%s cannot be shown to people there", quote(s)), "write up to 100 letters, digits, blanks and any of . _ , : ; @ ( ) / + -"
	}
	return s, "", ""
}
