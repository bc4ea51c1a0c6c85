#include "card_service.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <winscard.h>

static const char daemon_path[] = "/usr/sbin/pcscd";
static const char driver_path[] = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so";

static void pause_ms(long ms)
{
    struct timespec t = {0, ms * 1000000L};
    nanosleep(&t, NULL);
}

enum { TRIES = 1000, PAUSE_MS = 20, FIRST_PORT = 36000, SLOTS = 2 /* of one driver file */ };

static bool write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0) close(fd);
    return ok;
}

static bool raise_loopback(void)
{
    struct ifreq request = {.ifr_flags = IFF_UP};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    snprintf(request.ifr_name, sizeof(request.ifr_name), "lo");
    bool ok = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &request) == 0;
    if (fd >= 0) close(fd);
    return ok;
}

static bool become_root_inside(uid_t uid, gid_t gid)
{
    char uids[64], gids[64];
    snprintf(uids, sizeof(uids), "0 %u 1", (unsigned)uid);
    snprintf(gids, sizeof(gids), "0 %u 1", (unsigned)gid);
    return write_text("/proc/self/setgroups", "deny") && write_text("/proc/self/uid_map", uids) &&
           write_text("/proc/self/gid_map", gids);
}

bool card_service_enter(void)
{
    uid_t uid = getuid();
    gid_t gid = getgid();
    const char *what = NULL;

    if (access(daemon_path, X_OK) != 0 || access(driver_path, R_OK) != 0)
        what = "pcscd and vsmartcard-vpcd are not installed";
    else if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET) != 0 || !become_root_inside(uid, gid))
        what = "no namespaces of its own";
    else if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
             mount("run", "/run", "tmpfs", 0, NULL) != 0 || mkdir("/run/pcscd", 0755) != 0)
        what = "no /run of its own";
    else if (!raise_loopback())
        what = "no loopback of its own";
    if (what) fprintf(stderr, "skipped: %s\n", what);
    return !what;
}

static bool copy_file(const char *from, const char *to)
{
    struct stat st;
    int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
    bool ok = in >= 0 && out >= 0 && fstat(in, &st) == 0 &&
              sendfile(out, in, NULL, (size_t)st.st_size) == st.st_size;
    if (in >= 0) close(in);
    if (out >= 0) close(out);
    return ok;
}

/* One driver file serves two slots; each pair needs a copy of its own, a link will not do. */
static bool write_configuration(struct card_service *s)
{
    char path[128], driver[96], text[512];

    snprintf(path, sizeof(path), "%s/conf", s->folder);
    if (mkdir(path, 0700) != 0) return false;
    for (size_t k = 0; k < s->reader_count / SLOTS; k++) {
        int port = FIRST_PORT + (int)(SLOTS * k);
        snprintf(driver, sizeof(driver), "%s/driver%zu.so", s->folder, k);
        snprintf(path, sizeof(path), "%s/conf/%zu", s->folder, k);
        snprintf(text, sizeof(text),
                 "FRIENDLYNAME \"Virtual PCD %zu\"\nDEVICENAME /dev/null:%d\nLIBPATH %s\nCHANNELID %d\n", k,
                 port, driver, port);
        if (!copy_file(driver_path, driver) || !write_text(path, text)) return false;
        for (size_t slot = 0; slot < SLOTS; slot++) {
            size_t i = SLOTS * k + slot;
            snprintf(s->readers[i], sizeof(s->readers[i]), "Virtual PCD %zu 00 %02zu", k, slot);
            s->ports[i] = port + (int)slot;
        }
    }
    return true;
}

static void become_daemon(const struct card_service *s)
{
    char conf[96], log[96];
    snprintf(conf, sizeof(conf), "%s/conf", s->folder);
    snprintf(log, sizeof(log), "%s/log", s->folder);
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (fd >= 0) {
        dup2(fd, STDOUT_FILENO);
        dup2(fd, STDERR_FILENO);
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execl(daemon_path, daemon_path, "--foreground", "--info", "-c", conf, (char *)NULL);
    _exit(127);
}

bool card_service_resume(struct card_service *s)
{
    fflush(NULL);
    s->pid = fork();
    if (s->pid == 0) become_daemon(s);
    return s->pid > 0;
}

bool card_service_start(struct card_service *s, size_t reader_count)
{
    *s = (struct card_service){.reader_count = reader_count};
    snprintf(s->folder, sizeof(s->folder), "/tmp/cardprep-test-XXXXXX");
    return mkdtemp(s->folder) && write_configuration(s) && card_service_resume(s);
}

void card_service_halt(struct card_service *s)
{
    if (s->pid <= 0) return;
    kill(s->pid, SIGTERM);
    while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR) {
    }
    s->pid = 0;
}

/* The counter in a state goes up by one each time the service sees a card come or go: even, when none is in. */
bool card_service_await_empty(const struct card_service *s, size_t reader)
{
    SCARDCONTEXT context;
    SCARD_READERSTATE state = {.szReader = s->readers[reader]};
    bool empty = false;

    for (unsigned i = 0; SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context) != SCARD_S_SUCCESS;
         i++) {
        if (i == TRIES) return false;
        pause_ms(PAUSE_MS);
    }
    for (unsigned i = 0; !empty && i < TRIES; i++) {
        LONG result = SCardGetStatusChange(context, PAUSE_MS, &state, 1);
        if (result == SCARD_E_UNKNOWN_READER) pause_ms(PAUSE_MS);
        state.dwCurrentState = state.dwEventState & ~(DWORD)SCARD_STATE_CHANGED;
        empty = result == SCARD_S_SUCCESS || result == SCARD_E_TIMEOUT;
        empty = empty && (state.dwEventState & SCARD_STATE_EMPTY) && (state.dwEventState >> 16) % 2 == 0;
    }
    SCardReleaseContext(context);
    if (!empty) fprintf(stderr, "%s does not become empty\n", s->readers[reader]);
    return empty;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st;
    (void)type;
    (void)walk;
    return remove(path);
}

void card_service_stop(struct card_service *s)
{
    card_service_halt(s);
    if (s->folder[0]) nftw(s->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    s->folder[0] = 0;
}
