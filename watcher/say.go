package watcher

import (
	"context"
	"errors"
	"log/slog"

	"github.com/wharfinger/wharfinger/route"
)

// say logs a complaint about a subject when it is new, and its end when it is
// over, for a failure that lasts an hour is one failure. An empty complaint
// means that the subject is well.
func (l *Loop) say(subject, message, complaint string) {
	before := l.said[subject]
	if before == complaint {
		return
	}
	if complaint == "" {
		delete(l.said, subject)
		l.Log.Info("well again", "what", subject)
		return
	}
	l.said[subject] = complaint
	l.Log.Error(message, "what", subject, "err", complaint)
}

// sayRollout tells why a proxy is not brought to the revision: each problem with its
// place, where there are any.
func (l *Loop) sayRollout(proxy string, err error) {
	subject, message := "rollout "+proxy, "proxy "+proxy+" is not brought to the revision"
	refused, ok := errors.AsType[*Refused](err)
	if !ok {
		l.say(subject, message, err.Error())
	} else if l.said[subject] != err.Error() {
		l.said[subject] = err.Error()
		l.logProblems(slog.LevelError, message, refused.Problems, "what", subject)
	}
}

// logProblems gives each problem a line of its own.
func (l *Loop) logProblems(level slog.Level, message string, problems route.Problems, attrs ...any) {
	const most = 50
	for i, p := range problems {
		if i == most {
			l.Log.Log(context.Background(), level, message, append(attrs, "more", len(problems)-most)...)
			return
		}
		l.Log.Log(context.Background(), level, message, append(attrs, "problem", p.String())...)
	}
}
