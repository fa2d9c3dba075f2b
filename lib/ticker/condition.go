package ticker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"skytools/lib/db"
	"skytools/lib/log"
)

// conditions say once what is wrong, and say when it is over. They are known
// by a key; while one lasts, it is logged again only if its cause changes.
type conditions struct {
	logger *slog.Logger
	mu     sync.Mutex
	m      map[string]condition
}

type condition struct {
	since time.Time
	cause string
}

func newConditions(logger *slog.Logger) *conditions {
	return &conditions{logger: logger, m: map[string]condition{}}
}

// begin notes a condition, and logs it if it or its cause is new. The cause is
// the message with its attributes, and the class of the error.
func (c *conditions) begin(level slog.Level, key, msg string, err error, attrs ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	old, ok := c.m[key]
	cause := fmt.Sprint(msg, errorClass(err), attrs)
	if ok && old.cause == cause {
		level = slog.LevelDebug
	} else if !ok {
		old.since = time.Now()
	}
	c.m[key] = condition{old.since, cause}
	if err != nil {
		attrs = append(attrs, log.Err, errorText(err))
	}
	c.logger.Log(context.Background(), level, msg, attrs...)
}

// end notes that a condition is over, and logs msg if there was one.
func (c *conditions) end(key, msg string, attrs ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	old, ok := c.m[key]
	if !ok {
		return
	}
	delete(c.m, key)
	if msg != "" {
		c.logger.Info(msg, append(attrs, log.Duration, time.Since(old.since).Round(time.Millisecond))...)
	}
}

// with returns the keys with that prefix.
func (c *conditions) with(prefix string) (keys []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for k := range c.m {
		if strings.HasPrefix(k, prefix) {
			keys = append(keys, k)
		}
	}
	return keys
}

// errorClass names the kind of an error. A server that is restarted says
// goodbye, is not there, and then not ready: all that is one kind.
func errorClass(err error) string {
	var to *timeoutError
	code := db.Code(err)
	switch {
	case err == nil:
		return ""
	case errors.As(err, &to):
		return "timeout"
	case isGone(err):
		return "connection"
	case code != "":
		return code
	}
	return fmt.Sprintf("%T", err)
}

// isGone tells whether the server, or the way to it, is not there.
func isGone(err error) bool {
	code := db.Code(err)
	return strings.HasPrefix(code, "57P") || strings.HasPrefix(code, "08") || db.IsConnectionLoss(err)
}

// errorText is err on one line. pgx puts one line for each address that was
// tried.
func errorText(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

// A timeoutError is a statement that got no answer in time.
type timeoutError struct {
	what string
	d    time.Duration
}

func (e *timeoutError) Error() string { return fmt.Sprintf("%s: no answer within %v", e.what, e.d) }
