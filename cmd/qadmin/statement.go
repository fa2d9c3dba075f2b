package main

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"skytools/lib/cli"
)

// statement is a parsed statement.
type statement interface {
	run(ctx context.Context, s *session) error
}

// word is a token. Words without quotes are folded to lower case and can be
// keywords; quoted ones, 'so' or "so", are only names and values.
type word struct {
	text   string
	quoted bool
}

// verbs are the statements by their first word.
var verbs = map[string]func(p *parser) (statement, error){
	"install": parseInstall,
	"show":    parseShow,
}

const knownStatements = "Statements are: install EXTENSION, show rotation [QUEUE]; see qadmin --help."

// parse parses statements that are separated by semicolons.
func parse(text string) ([]statement, error) {
	list, err := split(text)
	if err != nil {
		return nil, err
	}
	var statements []statement
	for _, words := range list {
		p := &parser{words: words}
		verb, ok := verbs[p.keyword()]
		if !ok {
			return nil, cli.WithHint(fmt.Errorf("unknown statement: %s", p.all()), knownStatements)
		}
		p.next()
		st, err := verb(p)
		if err != nil {
			return nil, err
		}
		if !p.end() {
			return nil, fmt.Errorf("unexpected %q in: %s", p.words[p.pos].text, p.all())
		}
		statements = append(statements, st)
	}
	if len(statements) == 0 {
		return nil, cli.WithHint(fmt.Errorf("empty statement"), knownStatements)
	}
	return statements, nil
}

// parser walks over the words of one statement.
type parser struct {
	words []word
	pos   int
}

func (p *parser) end() bool { return p.pos == len(p.words) }

func (p *parser) next() { p.pos++ }

// keyword returns the word at hand if it can be a keyword, else "".
func (p *parser) keyword() string {
	if p.end() || p.words[p.pos].quoted {
		return ""
	}
	return p.words[p.pos].text
}

// accept takes keywords if all of them come now.
func (p *parser) accept(keywords ...string) bool {
	from := p.pos
	for _, k := range keywords {
		if p.keyword() != k {
			p.pos = from
			return false
		}
		p.next()
	}
	return true
}

// name takes a name. what it is the name of completes "... expected".
func (p *parser) name(what string) (string, error) {
	if p.end() {
		return "", fmt.Errorf("%s expected after: %s", what, p.all())
	}
	p.next()
	return p.words[p.pos-1].text, nil
}

// all returns the statement for a message.
func (p *parser) all() string {
	texts := make([]string, len(p.words))
	for i, w := range p.words {
		texts[i] = w.text
	}
	return strings.Join(texts, " ")
}

// split cuts text into statements and these into words.
func split(text string) ([][]word, error) {
	var list [][]word
	var words []word
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		switch c := text[0]; {
		case c == ';':
			if words != nil {
				list = append(list, words)
			}
			words, text = nil, text[1:]
		case c == '\'' || c == '"':
			w, rest, ok := cutQuoted(text, string(c))
			if !ok {
				return nil, fmt.Errorf("the quote is not closed: %s", text)
			}
			words, text = append(words, word{w, true}), rest
		default:
			n := strings.IndexAny(text, "; \t\r\n'\"")
			if n < 0 {
				n = len(text)
			}
			if !utf8.ValidString(text[:n]) {
				return nil, fmt.Errorf("not UTF-8: %q", text[:n])
			}
			words, text = append(words, word{strings.ToLower(text[:n]), false}), text[n:]
		}
	}
	if words != nil {
		list = append(list, words)
	}
	return list, nil
}

// cutQuoted takes the quoted word at the start of text, in which a doubled
// quote stands for itself.
func cutQuoted(text, quote string) (w, rest string, ok bool) {
	rest = text[1:]
	for {
		i := strings.Index(rest, quote)
		if i < 0 {
			return "", "", false
		}
		w, rest = w+rest[:i], rest[i+1:]
		if !strings.HasPrefix(rest, quote) {
			return w, rest, true
		}
		w, rest = w+quote, rest[1:]
	}
}
