// Package access reaches servers as people do, with the programs as they are
// installed: TLS with an authority of their own, passwords in a password file,
// service files, a pooler, a role for each program with no more rights than its
// man page names. It has no code of its own, only tests.
package access
