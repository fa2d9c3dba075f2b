// Qadmin is the console of PgQ: it installs the extensions and shows and
// changes what is in them, by statements given on the command line.
package main

import "skytools/lib/cli"

func main() { cli.Main(run) }
