package install

// For the tests in package install_test, which use testpg, which uses install.
var (
	RunFile         = runFile
	Newer           = newer
	LineOfStatement = lineOfStatement
	LineOfPosition  = lineOfPosition
)
