package main

import (
	"fmt"
	"io"
	"log/slog"

	"skytools/lib/log"
)

// logging is where the log goes.
type logging struct {
	logger *slog.Logger
	file   *log.File
	syslog io.Closer
}

// openLogging combines console, logfile and syslog. Only a logfile that cannot
// be opened is an error.
func openLogging(o *options, console io.Writer, background bool) (*logging, error) {
	l := &logging{}
	var hs []slog.Handler
	format := o.Settings.LogFormat
	handler := func(w io.Writer) error {
		f := format
		if f == log.FormatText || f == log.FormatAuto && !log.IsJournal(w) {
			f = log.FormatLine // the lines that pgqd has always written
		}
		h, err := log.NewHandler(w, f, o.level())
		hs = append(hs, h)
		return err
	}
	if !o.Switches.Quiet {
		if err := handler(console); err != nil {
			return nil, err
		}
	}
	if path := string(o.Settings.Logfile); path != "" {
		f, err := log.OpenFile(path)
		if err != nil {
			return nil, fmt.Errorf("open logfile: %w", err)
		}
		l.file = f
		if err := handler(f); err != nil {
			return nil, err
		}
	}
	var noSyslog error
	if wantsSyslog(o.Settings.Syslog, console, o.Switches.Quiet, background) {
		h, c, err := log.NewSyslog(o.Settings.SyslogIdent, o.Settings.SyslogFacility, o.level())
		if noSyslog = err; err == nil {
			l.syslog = c
			hs = append(hs, h)
		}
	}
	l.logger = slog.New(slog.NewMultiHandler(hs...))
	if noSyslog != nil {
		l.logger.Warn("no syslog", log.Err, noSyslog)
	}
	return l, nil
}

// wantsSyslog decides for auto, and keeps each line from coming twice into the
// journal, which reads both syslog and the console.
func wantsSyslog(m syslogMode, console io.Writer, quiet, background bool) bool {
	switch {
	case m == "0":
		return false
	case !quiet && log.IsJournal(console):
		return false
	}
	return m == "1" || background
}

// reopen goes on in the logfile of that name, if there is a logfile.
func (l *logging) reopen(path string) {
	if l.file == nil || path == "" {
		return
	}
	if err := l.file.Reopen(path); err != nil {
		l.logger.Warn("cannot reopen logfile, going on in the old one", log.Err, err)
	}
}

func (l *logging) close() {
	if l.file != nil {
		_ = l.file.Close()
	}
	if l.syslog != nil {
		_ = l.syslog.Close()
	}
}
