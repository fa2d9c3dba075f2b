package grammar

// Command is a command that begins with a backslash.
type Command struct {
	Name string
	Args string // as help shows them
	Help string
	Slot Slot     // what completes its first argument
	Vals []string // or the words that do
	Rest bool     // the rest of the line is one argument, as it is
}

// Formats are the forms of output.
var Formats = []string{"aligned", "unaligned", "csv", "tsv", "json", "jsonl", "markdown"}

var onOff = []string{"on", "off"}

// Commands is the table of them.
var Commands = []*Command{
	{Name: "?", Help: "this list"},
	{Name: "h", Args: "[STATEMENT]", Help: "help on statements", Slot: Topic, Rest: true},
	{Name: "q", Help: "leave the script or qadmin"},
	{Name: "c", Args: "[DB|URI|- [USER [HOST [PORT]]]]", Help: "connect, keeping what is not given", Slot: Database},
	{Name: "conninfo", Help: "where the connection goes"},
	{Name: "Q", Args: "[QUEUE]", Help: "set or show the default queue", Slot: Queue},
	{Name: "dq", Args: "[QUEUE]", Help: "show queue", Slot: Queue},
	{Name: "dc", Args: "[CONSUMER]", Help: "show consumer", Slot: Consumer},
	{Name: "dn", Args: "[NODE]", Help: "show node", Slot: Node},
	{Name: "dx", Help: "extensions with their versions"},
	{Name: "x", Args: "[on|off|auto]", Help: "expanded output", Vals: []string{"on", "off", "auto"}},
	{Name: "t", Args: "[on|off]", Help: "rows only", Vals: onOff},
	{Name: "a", Help: "switch between aligned and unaligned"},
	{Name: "f", Args: "[TEXT]", Help: "field separator of unaligned output"},
	{Name: "format", Args: "[NAME]", Help: "form of output", Vals: Formats},
	{Name: "pset", Args: "[NAME [VALUE]]", Help: "set or show an option of output",
		Vals: []string{"border", "expanded", "fieldsep", "footer", "format", "interval", "linestyle", "null", "pager", "tuples_only"}},
	{Name: "timing", Args: "[on|off]", Help: "time of each statement", Vals: onOff},
	{Name: "o", Args: "[FILE or |COMMAND]", Help: "where output goes", Slot: File, Rest: true},
	{Name: "g", Args: "[FILE or |COMMAND]", Help: "run the buffer, or the last statement again", Slot: File, Rest: true},
	{Name: "gx", Args: "[FILE or |COMMAND]", Help: "the same with expanded output", Slot: File, Rest: true},
	{Name: "gset", Args: "[PREFIX]", Help: "run it and put the columns of the only row into variables"},
	{Name: "gdesc", Help: "the columns that it would give"},
	{Name: "watch", Args: "[SECONDS] [c=N]", Help: "run the buffer or the last statement again and again"},
	{Name: "e", Help: "edit the buffer or the last statement in an editor, and run what comes of it"},
	{Name: "s", Args: "[FILE]", Help: "history", Slot: File, Rest: true},
	{Name: "p", Help: "print the buffer"},
	{Name: "r", Help: "empty the buffer"},
	{Name: "i", Args: "FILE", Help: "run a file", Slot: File},
	{Name: "ir", Args: "FILE", Help: "run a file beside this one", Slot: File},
	{Name: "set", Args: "[NAME [VALUE]]", Help: "set or show variables: :name, :'name', :\"name\""},
	{Name: "unset", Args: "NAME", Help: "remove a variable"},
	{Name: "if", Args: "EXPRESSION", Help: "run what follows if the expression is true, up to one of the next three", Rest: true},
	{Name: "elif", Args: "EXPRESSION", Help: "or else what follows, if this one is true", Rest: true},
	{Name: "else", Help: "or else what follows", Rest: true},
	{Name: "endif", Help: "end of \\if", Rest: true},
	{Name: "echo", Args: "[-n] TEXT", Help: "write to stdout"},
	{Name: "qecho", Args: "[-n] TEXT", Help: "write to where output goes"},
	{Name: "warn", Args: "[-n] TEXT", Help: "write to stderr"},
	{Name: "!", Args: "COMMAND", Help: "run a command of the shell", Rest: true},
	{Name: "cd", Args: "[DIRECTORY]", Help: "change the directory for files and commands", Slot: File},
	{Name: "errverbose", Help: "the last error with all its fields"},
}

// FindCommand returns the command of that name, nil if there is none.
func FindCommand(name string) *Command {
	for _, c := range Commands {
		if c.Name == name {
			return c
		}
	}
	return nil
}
