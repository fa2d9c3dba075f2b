package term

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/reeflective/readline"
	"github.com/reeflective/readline/inputrc"
	"github.com/rivo/uniseg"
)

// Candidate is a way to complete a word.
type Candidate struct {
	Text string // what replaces the word
	Note string // what it is, shown beside it
	More bool   // the word goes on: no blank comes after it
}

// Hooks are what an editor asks the program while somebody types.
type Hooks struct {
	// Complete tells whether the input can be run; if not it goes on with
	// another line.
	Complete func(text string) bool
	// Continue is the prompt of the line after the text.
	Continue func(text string) string
	// Candidates completes the word that begins at start and ends at pos.
	Candidates func(text string, pos int) (start int, list []Candidate)
}

// Editor reads input from a terminal.
type Editor struct {
	t       *Terminal
	hooks   Hooks
	history *History
	plain   *plainReader
	shell   *readline.Shell
	keys    *keys
	prompt  string
	signal  chan struct{}
	pending chan result // what a plain reader that was interrupted is still to give
}

type result struct {
	text string
	err  error
}

// NewEditor makes an editor. On a terminal that cannot move the cursor it reads
// plain lines.
func NewEditor(t *Terminal, h *History, hooks Hooks) *Editor {
	e := &Editor{t: t, hooks: hooks, history: h, signal: make(chan struct{}, 1)}
	if cols, _ := t.Size(); t.Dumb || cols == 0 {
		e.plain = &plainReader{t, bufio.NewReader(t.In)}
		return e
	}
	sh := readline.NewShell(inputrc.WithApp("qadmin"))
	for name, value := range map[string]any{
		// Tab inserts what all candidates share and lists them; the next one walks
		// through the list.
		"menu-complete-display-prefix": true,
		"completion-ignore-case":       true,
		"history-autosuggest":          false,
		"autocomplete":                 false,
		"enable-bracketed-paste":       true,
		"multiline-column":             true,
	} {
		_ = sh.Config.Set(name, value)
	}
	sh.History.Delete()
	sh.History.Add("history", h)
	sh.Prompt.Primary(func() string { return e.prompt })
	sh.Prompt.Secondary(func() string { return e.secondary(string(*sh.Line())) })
	sh.AcceptMultiline = func(line []rune) bool { return hooks.Complete(string(line)) }
	sh.Completer = e.complete
	e.shell = sh
	e.keys, _ = newKeys() // without them the library reads the terminal itself
	return e
}

func (e *Editor) readline() (text string, err error) {
	if e.keys == nil {
		return e.shell.Readline()
	}
	restore, err := e.t.Raw()
	if err != nil {
		return "", err
	}
	defer restore()
	e.keys.during(func() { text, err = e.shell.Readline() })
	return text, err
}

// secondary is the prompt of the last line, set against the first one's end.
func (e *Editor) secondary(text string) string {
	before := text
	if n := strings.LastIndexByte(text, '\n'); n >= 0 {
		before = text[:n+1]
	}
	p := e.hooks.Continue(before)
	width := uniseg.StringWidth(e.prompt)
	for uniseg.StringWidth(p) > width && p != "" {
		_, n := utf8.DecodeRuneInString(p)
		p = p[n:]
	}
	return strings.Repeat(" ", width-uniseg.StringWidth(p)) + p
}

// Interrupt makes Read return ErrInterrupt. An editor that sees keys needs it
// not.
func (e *Editor) Interrupt() {
	if e.plain != nil {
		select {
		case e.signal <- struct{}{}:
		default:
		}
	}
}

// Read reads input, which may have several lines. The error is io.EOF at its
// end, ErrInterrupt when it was given up, or the context's.
func (e *Editor) Read(ctx context.Context, prompt string) (string, error) {
	e.prompt = prompt
	if e.plain != nil {
		if err := e.plain.show(prompt); err != nil {
			return "", err
		}
	}
	done := e.pending
	if done == nil {
		done = make(chan result, 1)
		go func() {
			var r result
			if e.plain != nil {
				r.text, r.err = e.plain.read()
			} else {
				r.text, r.err = e.readline()
			}
			done <- r
		}()
	}
	e.pending = nil
	select {
	case <-ctx.Done():
		// The reader cannot be woken; the program ends now.
		e.t.Restore()
		return "", context.Cause(ctx)
	case <-e.signal:
		e.pending = done
		_, _ = io.WriteString(e.t.Err, "\n")
		return "", ErrInterrupt
	case r := <-done:
		switch {
		case r.err == nil:
			return r.text, nil
		case r.err.Error() == readline.ErrInterrupt.Error(): // of several origins
			return r.text, ErrInterrupt
		case errors.Is(r.err, io.EOF):
			return "", io.EOF
		}
		return "", r.err
	}
}

// begins tells whether any candidate begins with the word.
func begins(list []Candidate, word string) bool {
	for _, c := range list {
		if len(c.Text) >= len(word) && strings.EqualFold(c.Text[:len(word)], word) {
			return true
		}
	}
	return false
}

// complete gives the editor its candidates.
func (e *Editor) complete(line []rune, cursor int) readline.Completions {
	text := string(line)
	pos := len(string(line[:cursor]))
	start, list := e.hooks.Candidates(text, pos)
	if len(list) == 0 {
		return readline.Completions{}
	}
	if word := text[start:pos]; word != "" && !begins(list, word) {
		// The name needs quotes, and so does what was typed of it.
		quoted := list[0].Text[:min(len(list[0].Text), len(word)+1)]
		from := utf8.RuneCountInString(text[:start])
		e.shell.Line().Cut(from, cursor)
		e.shell.Line().Insert(from, []rune(quoted)...)
		e.shell.Cursor().Set(from + utf8.RuneCountInString(quoted))
		text = text[:start] + quoted + text[pos:]
		pos = start + len(quoted)
	}
	// The editor takes the blanks before and after for the limits of the word if
	// it is given an empty prefix, and counts bytes where it means characters: so
	// it is given the whole of what it would take, from the last character that
	// is not ASCII on.
	lead := ""
	if start == pos {
		lead = text[strings.LastIndexAny(text[:start], " \t\n")+1 : start]
	}
	prefix := text[start-len(lead) : pos]
	drop := 0
	for i, r := range prefix {
		if r >= utf8.RuneSelf {
			drop = i + utf8.RuneLen(r)
		}
	}
	var all []readline.Completion
	for _, c := range list {
		value := lead + c.Text
		if drop > 0 {
			if !strings.HasPrefix(value, prefix[:drop]) {
				continue
			}
			value = value[drop:]
		}
		if !c.More {
			value += " "
		}
		all = append(all, readline.Completion{Value: value, Display: c.Text, Description: c.Note})
	}
	values := readline.CompleteRaw(all).NoSort()
	values.PREFIX = prefix[drop:]
	return values
}
