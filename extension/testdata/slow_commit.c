/*
 * slow_commit: for tests. Stops a session at two places of its commit: before
 * others can see it, and after that, but before they are told what it changed.
 * It says so by a file in slow_commit.dir, and waits for another one.
 */
#include "postgres.h"

#include <sys/stat.h>
#include <unistd.h>

#include "access/xact.h"
#include "fmgr.h"
#include "utils/guc.h"

PG_MODULE_MAGIC;

void		_PG_init(void);

static char *dir;

static void
stop(const char *place)
{
	char		path[MAXPGPATH];
	int			fd;

	snprintf(path, sizeof(path), "%s/%s.reached", dir, place);
	fd = open(path, O_CREAT | O_WRONLY, 0666);
	if (fd >= 0)
		close(fd);
	snprintf(path, sizeof(path), "%s/%s.go", dir, place);
	for (int i = 0; access(path, F_OK) != 0 && i < 60000; i++)
		pg_usleep(1000);
}

static void
on_event(XactEvent event, void *arg)
{
	if (dir == NULL || dir[0] == '\0')
		return;
	if (event == XACT_EVENT_PRE_COMMIT)
		stop("unseen");
	else if (event == XACT_EVENT_COMMIT)
		stop("untold");
}

void
_PG_init(void)
{
	DefineCustomStringVariable("slow_commit.dir", "Where to wait.", NULL, &dir, "", PGC_USERSET, 0, NULL, NULL, NULL);
	RegisterXactCallback(on_event, NULL);
}
