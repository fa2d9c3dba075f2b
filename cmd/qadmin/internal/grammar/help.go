package grammar

import (
	"fmt"
	"strings"
)

const helpWidth = 100

// Help lists the statements that a database can run, and names those that it
// cannot with the reason.
func Help(have Installed) string {
	var can, cannot strings.Builder
	for _, st := range Statements {
		switch lack := have.Lacks(st); {
		case st.Later:
		case lack != "":
			fmt.Fprintf(&cannot, "  %-24s %s\n", st.Name, lack)
		default:
			entry(&can, st.Usage(), st.Help)
		}
	}
	text := "Statements, each ended by a semicolon:\n" + can.String()
	if cannot.Len() > 0 {
		text += "\nNot in this database:\n" + cannot.String()
	}
	return text + "\nAnything else is SQL. Names are folded to lower case unless they are quoted.\n" +
		"help WORD tells more about the statements that begin with it; \\? lists the commands with a backslash.\n"
}

func entry(b *strings.Builder, usage, help string) {
	const indent = "                         "
	if len(usage) > 22 {
		fmt.Fprintf(b, "  %s\n", usage)
		b.WriteString(wrap(help, indent))
		return
	}
	fmt.Fprintf(b, "  %-22s %s", usage, strings.TrimPrefix(wrap(help, indent), indent))
}

// HelpOn tells all about the statements whose name begins with the words, or
// else has them in its name, or else in its help; "" when there is none.
func HelpOn(words string, have Installed) string {
	words = strings.ToLower(strings.Join(strings.Fields(words), " "))
	fits := []func(st *Statement) bool{
		func(st *Statement) bool { return st.Name == words || strings.HasPrefix(st.Name, words+" ") },
		func(st *Statement) bool { return strings.Contains(st.Name, words) },
		func(st *Statement) bool { return strings.Contains(strings.ToLower(st.Help+" "+st.Doc), words) },
	}
	var found []*Statement
	for i := 0; found == nil && i < len(fits); i++ {
		found = find(fits[i])
	}
	var b strings.Builder
	for i, st := range found {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s\n%s", st.Usage(), wrap(sentence(st.Help)+" "+st.Doc, "    "))
		if strings.Contains(st.Syntax, "<params>") {
			b.WriteString("    PARAM is idle_period, max_lag, max_count, paused, rotation_period or external_ticker.\n")
		}
		if lack := have.Lacks(st); lack != "" {
			b.WriteString("    In this database it cannot be run: it " + lack + ".\n")
		}
	}
	return b.String()
}

func find(fits func(st *Statement) bool) []*Statement {
	var found []*Statement
	for _, st := range Statements {
		if !st.Later && fits(st) {
			found = append(found, st)
		}
	}
	return found
}

// HelpCommands lists the commands with a backslash.
func HelpCommands() string {
	var b strings.Builder
	for _, c := range Commands {
		entry(&b, strings.TrimSpace(`\`+c.Name+" "+c.Args), c.Help)
	}
	return b.String()
}

func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] + "." }

// wrap breaks text into lines.
func wrap(text, indent string) string {
	var b strings.Builder
	line := indent
	for _, w := range strings.Fields(text) {
		if line != indent && len(line)+1+len(w) > helpWidth {
			b.WriteString(line + "\n")
			line = indent
		}
		if line != indent {
			line += " "
		}
		line += w
	}
	if line != indent {
		b.WriteString(line + "\n")
	}
	return b.String()
}
