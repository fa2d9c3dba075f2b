package console

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"skytools/cmd/qadmin/internal/grammar"
	"skytools/lib/cli"
	"skytools/lib/pgq"
)

// A chunk is what goes to the server in one call.
const (
	chunkEvents = 5000
	chunkBytes  = 4 << 20
)

// produce loads events. All is one transaction, or with batch one for each N
// events.
func produce(ctx context.Context, s *Session, in *input, m *grammar.Match) (err error) {
	queue := m.Value("queue")
	src, name, err := s.eventSource(in, m)
	if err != nil {
		return err
	}
	defer src.Close()
	var batch int64
	if a, ok := m.Arg("num"); ok {
		if batch, err = strconv.ParseInt(a.Token.Value, 10, 64); err != nil || batch < 1 {
			return fmt.Errorf("batch is a number above 0, not %s", a.Token.Value)
		}
		if s.inTransaction() {
			return errors.New("produce with batch cannot run inside a transaction")
		}
	}
	if err := s.needQueue(ctx, queue); err != nil {
		return err
	}
	r, err := newEventReader(src, m)
	if err != nil {
		return fmt.Errorf("%s:1: %w", name, err)
	}
	l := &loader{s: s, queue: queue, name: name, reader: r, batch: batch, start: time.Now(), next: time.Second}
	err = l.load(ctx)
	l.endProgress()
	if err != nil {
		if batch > 0 && l.committed > 0 {
			err = cli.WithHint(err, fmt.Sprintf("%d events are in the queue; go on behind line %d.", l.committed, l.committedLine))
		}
		return roleHint(err)
	}
	return s.tag("PRODUCE " + strconv.FormatInt(l.count, 10))
}

// eventSource opens what the events come from. Without from it is stdin, or
// what follows the statement in a script on stdin.
func (s *Session) eventSource(in *input, m *grammar.Match) (io.ReadCloser, string, error) {
	if a, ok := m.Arg("file"); ok {
		f, err := os.Open(s.path(a.Token.Value))
		return f, a.Token.Value, err
	}
	if in != nil && in.reader == s.stdin {
		return &inlineData{in: in}, "<stdin>", nil
	}
	return io.NopCloser(s.stdin), "<stdin>", nil
}

// inlineData is the rest of a script up to a line with \. alone.
type inlineData struct {
	in   *input
	line []byte
	end  bool
}

func (d *inlineData) Read(p []byte) (int, error) {
	for len(d.line) == 0 {
		if d.end {
			return 0, io.EOF
		}
		line, err := d.in.reader.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		if len(line) > 0 {
			d.in.SetLine(d.in.LineNumber() + 1)
		}
		d.end = err != nil || string(bytes.TrimRight(line, "\r\n")) == `\.`
		if !d.end || err != nil {
			d.line = line
		}
		if len(line) == 0 && d.end {
			return 0, io.EOF
		}
	}
	n := copy(p, d.line)
	d.line = d.line[n:]
	return n, nil
}

// Close reads over what is left: data must not be run as statements after an
// error.
func (d *inlineData) Close() error {
	_, err := io.Copy(io.Discard, d)
	return err
}

// loader moves events from a reader into a queue.
type loader struct {
	s             *Session
	queue, name   string
	reader        *eventReader
	batch         int64 // events in a transaction, 0 for all
	count         int64 // events that were sent
	committed     int64
	committedLine int
	start         time.Time
	next          time.Duration // when the progress is shown again
	shown         bool
}

func (l *loader) load(ctx context.Context) error {
	for more := true; more; {
		before := l.count
		err := l.s.atomic(ctx, func(c *pgq.Client) error {
			for more && (l.batch == 0 || l.count-before < l.batch) {
				var err error
				if more, err = l.chunk(ctx, c, l.count-before); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		l.committed, l.committedLine = l.count, l.reader.line
	}
	return nil
}

// chunk sends the next events, and tells whether there may be more.
func (l *loader) chunk(ctx context.Context, c *pgq.Client, inTx int64) (more bool, err error) {
	room := int64(chunkEvents)
	if l.batch > 0 {
		room = min(room, l.batch-inTx)
	}
	var events []pgq.NewEvent
	from, size := l.reader.line+1, 0
	more = true
	for more && int64(len(events)) < room && size < chunkBytes {
		e, err := l.reader.next()
		if errors.Is(err, io.EOF) {
			more = false
			break
		}
		if err != nil {
			return false, fmt.Errorf("%s:%d: %w", l.name, l.reader.line, err)
		}
		for _, v := range []*string{e.Type, e.Data, e.Extra1, e.Extra2, e.Extra3, e.Extra4} {
			if v != nil {
				size += len(*v)
			}
		}
		events = append(events, e)
	}
	if len(events) == 0 {
		return more, nil
	}
	if err := l.insert(ctx, c, events); err != nil {
		return false, fmt.Errorf("%s: lines %d to %d: %w", l.name, from, l.reader.line, err)
	}
	l.count += int64(len(events))
	l.progress()
	return more, nil
}

// insert uses the function for many events where there is one.
func (l *loader) insert(ctx context.Context, c *pgq.Client, events []pgq.NewEvent) error {
	bulk, err := l.s.pgq4(ctx)
	if err != nil {
		return err
	}
	if bulk {
		return c.InsertBulk(ctx, l.queue, events)
	}
	_, err = c.InsertEvents(ctx, l.queue, events)
	return err
}

// progress shows how far it is, once a second on a terminal.
func (l *loader) progress() {
	d := time.Since(l.start)
	if d < l.next || !cli.IsTerminal(l.s.stderr) {
		return
	}
	l.next = d + time.Second
	l.shown = true
	fmt.Fprintf(l.s.stderr, "\r\x1b[K%d events, %.0f events/s", l.count, float64(l.count)/d.Seconds())
}

func (l *loader) endProgress() {
	if l.shown {
		fmt.Fprint(l.s.stderr, "\r\x1b[K")
	}
}

// eventReader reads events in one of the formats. line is the number of the
// line that an event ended at, or that is wrong.
type eventReader struct {
	next func() (pgq.NewEvent, error)
	line int
	typ  *string // of events that have none
}

// maxLine bounds a line: a value of the server is below 1 GB.
const maxLine = 1 << 30

func newEventReader(src io.Reader, m *grammar.Match) (*eventReader, error) {
	r := &eventReader{}
	if a, ok := m.Arg("text"); ok {
		r.typ = &a.Token.Value
	}
	if m.Has("csv") {
		return r, r.csv(src)
	}
	lines := bufio.NewScanner(src)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	parse := r.json
	if m.Has("raw") {
		parse = r.raw
	}
	r.next = func() (pgq.NewEvent, error) {
		for lines.Scan() {
			r.line++
			text := lines.Bytes()
			if r.line == 1 {
				text = bytes.TrimPrefix(text, []byte("\ufeff"))
			}
			if !m.Has("raw") && len(bytes.TrimSpace(text)) == 0 {
				continue
			}
			e, err := parse(text)
			if err == nil {
				err = storable(&e)
			}
			return e, err
		}
		if err := lines.Err(); err != nil {
			r.line++
			return pgq.NewEvent{}, err
		}
		return pgq.NewEvent{}, io.EOF
	}
	return r, nil
}

func (r *eventReader) raw(text []byte) (pgq.NewEvent, error) {
	data := string(text)
	return pgq.NewEvent{Type: r.typ, Data: &data}, nil
}

// field is where a named field of an event goes. Those of an event that was
// read from a queue belong to that queue and are left out.
func field(e *pgq.NewEvent, name string) (p **string, skip bool) {
	switch name {
	case "ev_type":
		return &e.Type, false
	case "ev_data":
		return &e.Data, false
	case "ev_extra1":
		return &e.Extra1, false
	case "ev_extra2":
		return &e.Extra2, false
	case "ev_extra3":
		return &e.Extra3, false
	case "ev_extra4":
		return &e.Extra4, false
	case "ev_id", "ev_time", "ev_txid", "ev_retry":
		return nil, true
	}
	return nil, false
}

func unknownField(name string) error {
	return fmt.Errorf("unknown field %q: an event has ev_type, ev_data, ev_extra1 to ev_extra4", name)
}

// json reads an object. A value that is no string is taken as its JSON text.
func (r *eventReader) json(text []byte) (pgq.NewEvent, error) {
	e := pgq.NewEvent{Type: r.typ}
	var object map[string]json.RawMessage
	if !utf8.Valid(text) {
		return e, errors.New("not UTF-8")
	}
	if err := json.Unmarshal(text, &object); err != nil {
		return e, fmt.Errorf("not a JSON object: %w", err)
	}
	for name, raw := range object {
		p, skip := field(&e, name)
		switch {
		case skip || string(raw) == "null":
		case p == nil:
			return e, unknownField(name)
		case raw[0] == '"':
			var v string
			if err := json.Unmarshal(raw, &v); err != nil {
				return e, fmt.Errorf("%s: %w", name, err)
			}
			*p = &v
		default:
			var b bytes.Buffer
			_ = json.Compact(&b, raw) // it is valid, as a part of the object
			v := b.String()
			*p = &v
		}
	}
	return e, nil
}

// csv reads the header; an empty field is NULL.
func (r *eventReader) csv(src io.Reader) error {
	in := csv.NewReader(src)
	in.ReuseRecord = true
	header, err := in.Read()
	if errors.Is(err, io.EOF) {
		return errors.New("there is no header")
	}
	if err != nil {
		return csvError(err)
	}
	r.line = 1
	names := append([]string{}, header...)
	names[0] = strings.TrimPrefix(names[0], "\ufeff")
	for _, name := range names {
		if p, skip := field(&pgq.NewEvent{}, name); p == nil && !skip {
			return unknownField(name)
		}
	}
	r.next = func() (pgq.NewEvent, error) {
		e := pgq.NewEvent{Type: r.typ}
		values, err := in.Read()
		var pe *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return e, err
		case errors.As(err, &pe):
			r.line = pe.Line
			return e, csvError(err)
		case err != nil:
			return e, err
		}
		for i, v := range values {
			if p, skip := field(&e, names[i]); !skip && v != "" {
				own := strings.Clone(v)
				*p = &own
			}
		}
		last, _ := in.FieldPos(len(values) - 1)
		r.line = last + strings.Count(values[len(values)-1], "\n")
		return e, storable(&e)
	}
	return nil
}

// csvError drops the line from an error, which stands before it anyway.
func csvError(err error) error {
	var pe *csv.ParseError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// storable finds what the server would refuse, so that the line is known.
func storable(e *pgq.NewEvent) error {
	for _, v := range []*string{e.Type, e.Data, e.Extra1, e.Extra2, e.Extra3, e.Extra4} {
		switch {
		case v == nil:
		case strings.IndexByte(*v, 0) >= 0:
			return errors.New("a zero byte cannot be stored")
		case !utf8.ValidString(*v):
			return errors.New("not UTF-8")
		}
	}
	return nil
}
