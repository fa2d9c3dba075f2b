package console

import (
	"fmt"
	"regexp"
	"strconv"

	"skytools/cmd/qadmin/internal/output"
)

// lookup gives the value of a variable.
func (s *Session) lookup(name string) (string, bool) {
	v, ok := s.Vars[name]
	return v, ok
}

var variableName = regexp.MustCompile(`^[\p{L}_][\p{L}\p{N}_]*$`)

// SetVar sets a variable. Those that change what the console does are checked.
func (s *Session) SetVar(name, value string) error {
	if !variableName.MatchString(name) {
		return fmt.Errorf("not the name of a variable: %q", name)
	}
	oneOf := func(values ...string) error {
		for _, v := range values {
			if v == value {
				return nil
			}
		}
		return fmt.Errorf("%s is one of %q, not %q", name, values, value)
	}
	var err error
	switch name {
	case "ON_ERROR_STOP", "ECHO_HIDDEN", "COMPLETION", "AUTOCOMMIT":
		_, err = output.ParseBool(name, value)
	case "ON_DESTRUCTIVE":
		err = oneOf("ask", "yes")
	case "VERBOSITY":
		err = oneOf("default", "verbose", "terse")
	case "ECHO":
		err = oneOf("queries", "none")
	case "QUIET":
		s.Quiet, err = output.ParseBool(name, value)
	case "FETCH_COUNT":
		n, nerr := strconv.Atoi(value)
		if nerr != nil || n < 1 {
			return fmt.Errorf("FETCH_COUNT is a number above 0, not %q", value)
		}
		s.Options.FetchCount = n
	}
	if err != nil {
		return err
	}
	s.Vars[name] = value
	return nil
}

// boolVar reads a variable that is on or off; without a value it is off.
func boolVar(value string) (bool, error) {
	if value == "" {
		return false, nil
	}
	return output.ParseBool("variable", value)
}
