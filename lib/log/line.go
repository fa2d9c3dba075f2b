package log

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"log/syslog"
	"os"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// A line handler writes the line of Skytools' logfiles. The db attribute
// stands before the message, in brackets; the others follow it.
type line struct {
	level slog.Leveler
	emit  func(r slog.Record, text string) error
	db    string // "[name]: " once an attribute said it
	attrs string // " key=value" for each attribute of With
	group string // "name." of WithGroup
}

func newLine(w io.Writer, level slog.Leveler) *line {
	var mu sync.Mutex
	pid := strconv.Itoa(os.Getpid())
	return &line{level: level, emit: func(r slog.Record, text string) error {
		var b bytes.Buffer
		b.WriteString(r.Time.Format("2006-01-02 15:04:05.000 MST"))
		b.WriteString(" [" + pid + "] " + levelName(r.Level) + " " + text + "\n")
		mu.Lock()
		defer mu.Unlock()
		_, err := w.Write(b.Bytes())
		return err
	}}
}

// NewSyslog returns a handler that sends to the local syslog daemon, which
// adds time and pid. facility is a name of syslog(3) in lower case.
func NewSyslog(ident, facility string, level slog.Leveler) (slog.Handler, io.Closer, error) {
	f, ok := facilities[facility]
	if !ok {
		return nil, nil, &FacilityError{facility}
	}
	w, err := syslog.New(f|syslog.LOG_INFO, ident)
	if err != nil {
		return nil, nil, err
	}
	return &line{level: level, emit: func(r slog.Record, text string) error {
		switch {
		case r.Level >= slog.LevelError:
			return w.Err(text)
		case r.Level >= slog.LevelWarn:
			return w.Warning(text)
		case r.Level >= slog.LevelInfo:
			return w.Info(text)
		}
		return w.Debug(text)
	}}, w, nil
}

// A FacilityError is a facility name that syslog(3) does not have.
type FacilityError struct{ Name string }

func (e *FacilityError) Error() string { return "unknown syslog facility " + strconv.Quote(e.Name) }

// CheckFacility returns a FacilityError for a name that NewSyslog would refuse.
func CheckFacility(name string) error {
	if _, ok := facilities[name]; !ok {
		return &FacilityError{name}
	}
	return nil
}

var facilities = map[string]syslog.Priority{
	"kern": syslog.LOG_KERN, "user": syslog.LOG_USER, "mail": syslog.LOG_MAIL, "daemon": syslog.LOG_DAEMON,
	"auth": syslog.LOG_AUTH, "syslog": syslog.LOG_SYSLOG, "lpr": syslog.LOG_LPR, "news": syslog.LOG_NEWS,
	"uucp": syslog.LOG_UUCP, "cron": syslog.LOG_CRON, "authpriv": syslog.LOG_AUTHPRIV, "ftp": syslog.LOG_FTP,
	"local0": syslog.LOG_LOCAL0, "local1": syslog.LOG_LOCAL1, "local2": syslog.LOG_LOCAL2, "local3": syslog.LOG_LOCAL3,
	"local4": syslog.LOG_LOCAL4, "local5": syslog.LOG_LOCAL5, "local6": syslog.LOG_LOCAL6, "local7": syslog.LOG_LOCAL7,
}

func levelName(l slog.Level) string {
	switch {
	case l >= slog.LevelError:
		return "ERROR"
	case l >= slog.LevelWarn:
		return "WARNING"
	case l >= slog.LevelInfo:
		return "LOG"
	case l >= slog.LevelDebug:
		return "DEBUG"
	}
	return "NOISE"
}

func (h *line) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level.Level() }

func (h *line) Handle(_ context.Context, r slog.Record) error {
	c := *h
	r.Attrs(func(a slog.Attr) bool {
		c.add(h.group, a)
		return true
	})
	return h.emit(r, c.db+oneLine(r.Message)+c.attrs)
}

func (h *line) WithAttrs(as []slog.Attr) slog.Handler {
	c := *h
	for _, a := range as {
		c.add(h.group, a)
	}
	return &c
}

func (h *line) WithGroup(name string) slog.Handler {
	c := *h
	if name != "" {
		c.group += name + "."
	}
	return &c
}

func (h *line) add(group string, a slog.Attr) {
	v := a.Value.Resolve()
	switch {
	case a.Equal(slog.Attr{}):
	case v.Kind() == slog.KindGroup:
		if a.Key != "" {
			group += a.Key + "."
		}
		for _, a := range v.Group() {
			h.add(group, a)
		}
	case group == "" && a.Key == DB:
		h.db = "[" + oneLine(v.String()) + "]: "
	default:
		h.attrs += " " + group + a.Key + "=" + quote(v.String())
	}
}

// oneLine replaces control characters by '?', as pgqd always did.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '?'
		}
		return r
	}, s)
}

// quote quotes a value that would not read back as one word.
func quote(s string) string {
	if s == "" || !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool {
		return r == '"' || r == '=' || unicode.IsSpace(r) || !unicode.IsPrint(r)
	}) {
		return strconv.Quote(s)
	}
	return s
}
