package cli

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/jessevdk/go-flags"
)

// FlagError turns an error of go-flags into a UsageError in our own words,
// which names the option as it is written.
func FlagError(err error) error {
	var fe *flags.Error
	if !errors.As(err, &fe) {
		return &UsageError{err}
	}
	name := flagName(fe.Message)
	switch fe.Type {
	case flags.ErrUnknownFlag:
		return Usagef("unknown option %s", dashed(name))
	case flags.ErrExpectedArgument:
		return Usagef("option %s needs a value", name)
	case flags.ErrNoArgumentForBool:
		return Usagef("option %s takes no value", name)
	case flags.ErrInvalidChoice:
		if m := choice.FindStringSubmatch(fe.Message); m != nil {
			return Usagef("option %s: unknown value %q: use %s", m[2], m[1], m[3])
		}
	case flags.ErrMarshal:
		if m := badValue.FindStringSubmatch(fe.Message); m != nil {
			return Usagef("option %s: %s", name, reason(m[1]))
		}
	}
	return &UsageError{errors.New(strings.NewReplacer("`", "'").Replace(fe.Message))}
}

var (
	quotedName = regexp.MustCompile("[`']([^']*)'")
	choice     = regexp.MustCompile("(?s)Invalid value [`'](.*)' for option [`'](?:[^']*, )?([^']*)'\\. Allowed values are: (.*)")
	badValue   = regexp.MustCompile(`(?s)\(expected [^)]*\): (.*)`)
	badNumber  = regexp.MustCompile(`(?s)^strconv\.Parse(Int|Uint|Float): parsing (".*"): (.*)$`)
)

// flagName finds the option in a message: `-q, --queue' gives --queue.
func flagName(message string) string {
	m := quotedName.FindStringSubmatch(message)
	if m == nil {
		return ""
	}
	names := strings.Split(m[1], ", ")
	return names[len(names)-1]
}

// dashed adds the dashes that the message about an unknown option lacks.
func dashed(name string) string {
	switch {
	case strings.HasPrefix(name, "-"):
		return name
	case len([]rune(name)) == 1:
		return "-" + name
	}
	return "--" + name
}

// reason says in plain words why a value was refused.
func reason(text string) string {
	m := badNumber.FindStringSubmatch(text)
	switch {
	case m == nil:
		return text
	case m[3] == "value out of range":
		return fmt.Sprintf("%s is out of range", m[2])
	case m[1] == "Float":
		return fmt.Sprintf("%s is not a number", m[2])
	}
	return fmt.Sprintf("%s is not a whole number", m[2])
}
