package cli

import (
	"os"

	"github.com/mattn/go-isatty"
)

// IsTerminal tells whether a person sits behind v, a stream of run.
func IsTerminal(v any) bool {
	f, ok := v.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}
