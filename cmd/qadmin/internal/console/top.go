package console

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rivo/uniseg"

	"skytools/cmd/qadmin/internal/grammar"
	"skytools/cmd/qadmin/internal/output"
)

const topEvery = 2 * time.Second

// topQueue and topConsumer are what top shows of one.
type topQueue struct {
	name                string
	age, idle           float64 // seconds since the newest tick; the time between ticks without events
	rate                float64
	fresh, bytes        int64 // events after the newest tick; size of the event tables
	consumers           int64
	paused              bool
	rotation, blocker   string
	lag                 float64 // of its slowest consumer
	rateLog, ageLog     []float64
	hasAge, hasConsumer bool
}

type topConsumer struct {
	queue, name   string
	lag, seen     float64
	events, bytes int64
	batch         string
	blocks        bool
	lagLog        []float64
}

// top is the state of the screen.
type top struct {
	where     string
	queues    []*topQueue
	consumers []*topConsumer
	at        time.Time
	every     time.Duration
	err       error

	sort     int
	reverse  bool
	selected string // queue
	only     bool   // consumers of the selected queue only
	scroll   int    // of the consumers
	paused   bool
	colors   bool
	unicode  bool
}

var topSorts = []string{"name", "lag", "tick age", "rate", "bytes"}

const topHistory = 60

// topStatement is the live view. Without a terminal it shows the tables of the
// same again and again, as \watch does.
func topStatement(ctx context.Context, s *Session, _ *input, m *grammar.Match) error {
	t := &top{every: topEvery, where: "", sort: 1}
	if a, ok := m.Arg("seconds"); ok {
		sec, err := strconv.ParseFloat(a.Token.Value, 64)
		if err != nil || sec < watchLeast.Seconds() || sec > 86400 {
			return fmt.Errorf("the interval of top is at least %s, not %q seconds", watchLeast, a.Token.Value)
		}
		t.every = time.Duration(sec * float64(time.Second))
	}
	count := 0
	if a, ok := m.Arg("count"); ok {
		n, err := strconv.Atoi(a.Token.Value)
		if err != nil || n < 1 {
			return fmt.Errorf("count needs a number above 0, not %q", a.Token.Value)
		}
		count = n
	}
	if s.screen == nil || s.screen.Output == nil || s.screen.Terminal.Dumb || s.out != s.stdout || s.stdout != io.Writer(s.screen.Output) {
		return s.topTables(ctx, t.every, count)
	}
	if err := s.flush(); err != nil {
		return err
	}
	conn, err := s.connection(ctx)
	if err != nil {
		return err
	}
	t.where, t.colors, t.unicode = conn.Config().Database, s.screen.Color, utf8Locale(s.screen.Getenv)
	if s.Queue != "" {
		t.selected = s.Queue
	}
	return s.topScreen(ctx, t, count)
}

func (s *Session) topTables(ctx context.Context, every time.Duration, count int) error {
	defer s.direct()()
	for n := 1; ; n++ {
		if !s.Options.Machine() {
			fmt.Fprintf(s.out, "%s (every %s)\n\n", time.Now().Format("Mon 02 Jan 2006 15:04:05 MST"), every)
		}
		if err := s.show(ctx, "Queues:", -1, file("queue"), nil); err != nil {
			return err
		}
		if err := s.show(ctx, "Consumers:", -1, file("consumer"), nil, nil); err != nil {
			return err
		}
		if n == count {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(every):
		}
	}
}

// topScreen draws until a key ends it. The sample is taken beside, so that keys
// work while the server is slow.
func (s *Session) topScreen(ctx context.Context, t *top, count int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	full, err := s.screen.Terminal.Full()
	if err != nil {
		return err
	}
	defer full.Close()

	ready := make(chan struct{}, 1)
	var sampling chan topSample
	var next time.Time
	for taken := 0; ; {
		if sampling == nil && !t.paused && !time.Now().Before(next) {
			sampling = make(chan topSample, 1)
			next = time.Now().Add(t.every)
			go func(to chan<- topSample) {
				to <- s.topSample(ctx)
				ready <- struct{}{}
			}(sampling)
		}
		if sampling != nil {
			select {
			case sample := <-sampling:
				sampling = nil
				t.take(sample)
				if taken++; taken == count || sample.err != nil && s.lost(sample.err) {
					return sample.err
				}
			default:
			}
		}
		cols, rows := s.screen.Terminal.Size()
		if err := full.Draw(t.draw(cols, rows)); err != nil {
			return err
		}
		wait := max(time.Until(next), 10*time.Millisecond)
		if t.paused || sampling != nil {
			wait = time.Minute
		}
		key, ok := full.Wait(ctx, wait, ready)
		if !ok || t.key(key, rows) {
			cancel()
			if sampling != nil {
				<-sampling // the connection is needed for the next statement
			}
			return nil
		}
	}
}

type topSample struct {
	at                time.Time
	queues, consumers []record
	err               error
}

// topSample asks what show queue and show consumer ask.
func (s *Session) topSample(ctx context.Context) topSample {
	sample := topSample{at: time.Now()}
	sample.queues, sample.err = s.rows(ctx, `select queue_name, extract(epoch from ticker_lag), ev_per_sec, ev_new, bytes, consumers, paused, rotation, blocker,
       extract(epoch from idle_period)
  from (`+file("queue")+`
) q`, nil)
	if sample.err == nil {
		sample.consumers, sample.err = s.rows(ctx, `select queue_name, consumer_name, extract(epoch from lag), extract(epoch from last_seen),
       pending_events, pending_bytes, current_batch, blocks_rotation
  from (`+file("consumer")+`
) c`, nil, nil)
	}
	return sample
}

func number(b []byte) float64 {
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return 0
	}
	return f
}

// take adds a sample to what is shown.
func (t *top) take(sample topSample) {
	t.err, t.at = sample.err, sample.at
	if sample.err != nil {
		return
	}
	oldQ, oldC := map[string]*topQueue{}, map[[2]string]*topConsumer{}
	for _, q := range t.queues {
		oldQ[q.name] = q
	}
	for _, c := range t.consumers {
		oldC[[2]string{c.queue, c.name}] = c
	}
	t.queues, t.consumers = nil, nil
	byName := map[string]*topQueue{}
	for _, r := range sample.queues {
		q := &topQueue{name: r.text(0), age: number(r[1]), hasAge: r[1] != nil, rate: number(r[2]), fresh: int64(number(r[3])), bytes: int64(number(r[4])),
			consumers: int64(number(r[5])), paused: r.text(6) == "t", rotation: r.text(7), blocker: r.text(8), idle: number(r[9])}
		if o := oldQ[q.name]; o != nil {
			q.rateLog, q.ageLog = o.rateLog, o.ageLog
		}
		q.rateLog, q.ageLog = remember(q.rateLog, q.rate), remember(q.ageLog, q.age)
		t.queues = append(t.queues, q)
		byName[q.name] = q
	}
	for _, r := range sample.consumers {
		c := &topConsumer{queue: r.text(0), name: r.text(1), lag: number(r[2]), seen: number(r[3]), events: int64(number(r[4])),
			bytes: int64(number(r[5])), batch: r.text(6), blocks: r.text(7) == "t"}
		if o := oldC[[2]string{c.queue, c.name}]; o != nil {
			c.lagLog = o.lagLog
		}
		c.lagLog = remember(c.lagLog, c.lag)
		t.consumers = append(t.consumers, c)
		if q := byName[c.queue]; q != nil {
			q.lag, q.hasConsumer = max(q.lag, c.lag), true
		}
	}
}

func remember(log []float64, v float64) []float64 {
	log = append(log, v)
	return log[max(0, len(log)-topHistory):]
}

// key does what a key stands for. It tells whether the view ends.
func (t *top) key(key string, rows int) (quit bool) {
	switch key {
	case "q", "Q", "ctrl-c", "\x1b", "\x04":
		return true
	case "s", "right":
		t.sort = (t.sort + 1) % len(topSorts)
	case "left":
		t.sort = (t.sort + len(topSorts) - 1) % len(topSorts)
	case "r":
		t.reverse = !t.reverse
	case "p", " ":
		t.paused = !t.paused
	case "+":
		t.every = min(t.every*2, time.Hour)
	case "-":
		t.every = max(t.every/2, watchLeast)
	case "\r", "\n":
		t.only, t.scroll = !t.only, 0
	case "up", "k", "down", "j", "home", "end":
		t.move(key)
	case "pgdn":
		t.scroll += max(1, rows/2-3)
	case "pgup":
		t.scroll = max(0, t.scroll-max(1, rows/2-3))
	}
	return false
}

func (t *top) move(key string) {
	at := -1
	for i, q := range t.queues {
		if q.name == t.selected {
			at = i
		}
	}
	switch key {
	case "up", "k":
		at--
	case "down", "j":
		at++
	case "home":
		at = 0
	case "end":
		at = len(t.queues) - 1
	}
	if len(t.queues) > 0 {
		t.selected = t.queues[min(max(at, 0), len(t.queues)-1)].name
	}
}

func (t *top) order() {
	by := func(a, b *topQueue) int {
		switch topSorts[t.sort] {
		case "lag":
			return cmp.Compare(b.lag, a.lag)
		case "tick age":
			return cmp.Compare(b.age, a.age)
		case "rate":
			return cmp.Compare(b.rate, a.rate)
		case "bytes":
			return cmp.Compare(b.bytes, a.bytes)
		}
		return 0
	}
	slices.SortFunc(t.queues, func(a, b *topQueue) int {
		c := cmp.Or(by(a, b), cmp.Compare(a.name, b.name))
		if t.reverse {
			c = -c
		}
		return c
	})
	slices.SortFunc(t.consumers, func(a, b *topConsumer) int {
		var c int
		switch topSorts[t.sort] {
		case "name":
			c = 0
		case "bytes", "rate":
			c = cmp.Compare(b.events, a.events)
		default:
			c = cmp.Compare(b.lag, a.lag)
		}
		c = cmp.Or(c, cmp.Compare(a.queue, b.queue), cmp.Compare(a.name, b.name))
		if t.reverse {
			c = -c
		}
		return c
	})
}

// Styles of the screen.
const (
	styleHead   = "\x1b[7m"
	styleWarn   = "\x1b[33m"
	styleBad    = "\x1b[31m"
	styleSelect = "\x1b[1m"
	styleEnd    = "\x1b[0m"
)

func (t *top) style(style, text string) string {
	if style == "" || !t.colors && style != styleHead && style != styleSelect {
		return text
	}
	return style + text + styleEnd
}

// draw makes the lines of a screen of that size.
func (t *top) draw(cols, rows int) []string {
	cols, rows = max(cols, 20), max(rows, 6)
	t.order()
	lines := []string{fit(t.summary(), cols), ""}
	if t.err != nil {
		lines[1] = t.style(styleBad, fit("ERROR: "+output.Clean(strings.Join(strings.Fields(t.err.Error()), " ")), cols))
	}
	name := 12
	for _, q := range t.queues {
		name = max(name, output.Width(q.name))
	}
	for _, c := range t.consumers {
		name = max(name, output.Width(c.name))
	}
	name = min(name, max(12, cols-88))

	body := rows - len(lines) - 4 // two headers, a blank, the keys
	show := min(len(t.queues), max(body-min(len(t.consumers), body/2), 1))
	from := t.window(show)
	lines = append(lines, t.style(styleHead, fit(fmt.Sprintf("%-*s %9s %9s %-16s %8s %9s %5s %9s  %s",
		name+1, " QUEUE", "TICK AGE", "EV/S", "RATE", "NEW", "BYTES", "CONS", "LAG", "ROTATION"), cols)))
	for _, q := range t.queues[from:min(from+show, len(t.queues))] {
		lines = append(lines, t.queueLine(q, name, cols))
	}
	if len(t.queues) == 0 && t.err == nil {
		lines = append(lines, "  no queues")
	}
	lines = append(lines, "")
	title := " CONSUMER"
	if t.only {
		title += " of " + t.selected
	}
	lines = append(lines, t.style(styleHead, fit(fmt.Sprintf("%s %9s %9s %-16s %8s %9s %-*s",
		pad(title, name+1), "LAG", "SEEN", "LAG OVER TIME", "EVENTS", "BYTES", name, "QUEUE"), cols)))
	var list []*topConsumer
	for _, c := range t.consumers {
		if !t.only || c.queue == t.selected {
			list = append(list, c)
		}
	}
	room := max(rows-len(lines)-1, 0)
	t.scroll = min(t.scroll, max(0, len(list)-room))
	for _, c := range list[t.scroll:min(t.scroll+room, len(list))] {
		lines = append(lines, t.consumerLine(c, name, cols))
	}
	for len(lines) < rows-1 {
		lines = append(lines, "")
	}
	return append(lines[:rows-1], fit("q quit  s sort  r reverse  up/down queue  enter its consumers  pgup/pgdn scroll  space pause  +/- interval", cols))
}

// window is the first queue that is shown, so that the selected one is.
func (t *top) window(show int) int {
	for i, q := range t.queues {
		if q.name == t.selected {
			return max(0, i-show+1)
		}
	}
	return 0
}

func (t *top) summary() string {
	var rate, lag float64
	var bytes int64
	worst := ""
	for _, q := range t.queues {
		rate += q.rate
		bytes += q.bytes
	}
	for _, c := range t.consumers {
		if c.lag > lag {
			lag, worst = c.lag, c.name+" on "+c.queue
		}
	}
	text := fmt.Sprintf("%s  %s  every %s  by %s  %d queues, %d consumers, %s ev/s, %s", t.where, t.at.Format("15:04:05"), t.every, topSorts[t.sort],
		len(t.queues), len(t.consumers), short(rate), size(bytes))
	if t.paused {
		text += "  PAUSED"
	}
	if worst != "" {
		text += "  worst lag " + span(lag) + ": " + worst
	}
	return output.Clean(text)
}

func (t *top) queueLine(q *topQueue, name, cols int) string {
	mark := " "
	if q.name == t.selected {
		mark = ">"
	}
	age, style := span(q.age), ""
	switch {
	case q.paused:
		age, style = "paused", styleWarn
	case !q.hasAge:
		age, style = "no tick", styleBad
	case q.idle > 0 && q.age > 3*q.idle:
		style = styleBad
	case q.idle > 0 && q.age > 1.5*q.idle:
		style = styleWarn
	}
	lag := ""
	if q.hasConsumer {
		lag = span(q.lag)
	}
	rotation := q.rotation
	if q.blocker != "" {
		rotation += ": " + q.blocker
	}
	rotationStyle := ""
	if q.rotation != "ok" && q.rotation != "off" {
		rotationStyle = styleWarn
	}
	left := pad(mark+output.Clean(q.name), name+1) + " "
	middle := fmt.Sprintf(" %9s %s %8s %9s %5d ", short(q.rate), pad(t.spark(q.rateLog, 16), 16), short(float64(q.fresh)), size(q.bytes), q.consumers)
	used := output.Width(left) + 9 + output.Width(middle) + 9 + 2
	line := left + t.style(style, fmt.Sprintf("%9s", age)) + middle + t.style(lagStyle(q.lag), fmt.Sprintf("%9s", lag)) + "  " +
		t.style(rotationStyle, fit(output.Clean(rotation), cols-used))
	return t.whole(line, cols, q.name == t.selected)
}

func (t *top) consumerLine(c *topConsumer, name, cols int) string {
	left := pad(" "+output.Clean(c.name), name+1) + " "
	rest := fmt.Sprintf(" %9s %s %8s %9s %s", span(c.seen), pad(t.spark(c.lagLog, 16), 16), short(float64(c.events)), size(c.bytes), output.Clean(c.queue))
	if c.blocks {
		rest += " (blocks rotation)"
	}
	line := left + t.style(lagStyle(c.lag), fmt.Sprintf("%9s", span(c.lag))) + fit(rest, cols-output.Width(left)-9)
	return t.whole(line, cols, c.queue == t.selected && t.only)
}

// whole cuts a line with styles in it, by leaving those out if it is too long.
func (t *top) whole(line string, cols int, selected bool) string {
	plain := unstyled(line)
	if output.Width(plain) > cols {
		line = fit(plain, cols)
	}
	if selected {
		return styleSelect + strings.ReplaceAll(line, styleEnd, styleEnd+styleSelect) + styleEnd
	}
	return line
}

func unstyled(s string) string {
	return strings.NewReplacer(styleHead, "", styleWarn, "", styleBad, "", styleSelect, "", styleEnd, "").Replace(s)
}

func lagStyle(lag float64) string {
	switch {
	case lag > 600:
		return styleBad
	case lag > 120:
		return styleWarn
	}
	return ""
}

// spark draws the newest values as a line of blocks, each against the greatest.
func (t *top) spark(values []float64, width int) string {
	steps := []rune("▁▂▃▄▅▆▇█")
	if !t.unicode {
		steps = []rune("_.-:=+*#")
	}
	values = values[max(0, len(values)-width):]
	greatest := 0.0
	for _, v := range values {
		greatest = max(greatest, v)
	}
	var b strings.Builder
	for _, v := range values {
		i := 0
		if greatest > 0 {
			i = min(int(v/greatest*float64(len(steps))), len(steps)-1)
		}
		b.WriteRune(steps[i])
	}
	return b.String()
}

// span is a time in two units at most.
func span(sec float64) string {
	switch {
	case sec < 0:
		return "0s"
	case sec < 10:
		return strconv.FormatFloat(sec, 'f', 1, 64) + "s"
	case sec < 60:
		return fmt.Sprintf("%ds", int(sec))
	case sec < 3600:
		return fmt.Sprintf("%dm%02ds", int(sec)/60, int(sec)%60)
	case sec < 86400:
		return fmt.Sprintf("%dh%02dm", int(sec)/3600, int(sec)/60%60)
	}
	return fmt.Sprintf("%dd%02dh", int(sec)/86400, int(sec)/3600%24)
}

// short is a number in at most seven characters.
func short(v float64) string {
	switch {
	case v >= 1e9:
		return fmt.Sprintf("%.1fG", v/1e9)
	case v >= 1e7:
		return fmt.Sprintf("%.1fM", v/1e6)
	case v >= 1e5:
		return fmt.Sprintf("%.0fk", v/1e3)
	case v != math.Trunc(v) && v < 100:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(math.Round(v), 'f', 0, 64)
}

func size(n int64) string {
	v, unit := float64(n), 0
	for v >= 1024 && unit < 5 {
		v /= 1024
		unit++
	}
	name := []string{"B", "kB", "MB", "GB", "TB", "PB"}[unit]
	if unit > 0 && v < 10 {
		return fmt.Sprintf("%.1f %s", v, name)
	}
	return fmt.Sprintf("%.0f %s", v, name)
}

// fit cuts text to a width.
func fit(s string, width int) string {
	if output.Width(s) <= width {
		return s
	}
	if width <= 0 {
		return ""
	}
	var b strings.Builder
	at := 0
	for g := uniseg.NewGraphemes(s); g.Next(); {
		if at += g.Width(); at > width-1 {
			break
		}
		b.WriteString(g.Str())
	}
	return b.String() + "~"
}

// pad cuts or fills text to a width.
func pad(s string, width int) string {
	s = fit(s, width)
	return s + strings.Repeat(" ", max(0, width-output.Width(s)))
}

// utf8Locale tells whether the terminal shows more than ASCII.
func utf8Locale(getenv func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := getenv(name); v != "" {
			v = strings.ToLower(strings.ReplaceAll(v, "-", ""))
			return strings.Contains(v, "utf8")
		}
	}
	return false
}
