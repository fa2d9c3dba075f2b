// Londiste runs the nodes of queues that live on several servers: it makes
// them, shows them, changes who reads from whom while events flow, and is the
// worker of a node.
package main

import "skytools/lib/cli"

func main() { cli.Main(run) }
