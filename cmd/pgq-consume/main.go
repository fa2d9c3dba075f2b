// Pgq-consume takes the events of a PgQ queue to where a shell can reach them:
// JSON lines on stdout, the stdin of a command, or a statement or queue in
// another database. A batch is finished only after all of it has arrived.
package main

import "skytools/lib/cli"

func main() { cli.Main(run) }
