#include "bureau/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/outfile.h"

#if defined(__x86_64__)
#define SANDBOX_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define SANDBOX_ARCH AUDIT_ARCH_AARCH64
#else
#define SANDBOX_ARCH 0 /* no filter is known for it */
#endif

/* ---- the token's folder ---- */

static void copy_path(char path[SANDBOX_PATH], const char *begin, size_t len)
{
    while (len > 0 && (begin[len - 1] == ' ' || begin[len - 1] == '\r' || begin[len - 1] == '\t'))
        len--;
    if (len >= SANDBOX_PATH) len = 0;
    memcpy(path, begin, len);
    path[len] = 0;
}

/* configdir='sql:/folder' among the parameters. */
static bool nss_folder(const char *parameters, char path[SANDBOX_PATH])
{
    const char *at = parameters ? strstr(parameters, "configdir='") : NULL;
    if (!at) return false;
    at += strlen("configdir='");
    if (strncmp(at, "sql:", 4) == 0 || strncmp(at, "dbm:", 4) == 0) at += 4;
    copy_path(path, at, strcspn(at, "'"));
    return path[0] != 0;
}

/* directories.tokendir = /folder */
static bool read_softhsm(const char *file, char path[SANDBOX_PATH])
{
    static const char name[] = "directories.tokendir";
    struct err unused = ERR_INIT;
    struct buf text;
    buf_init(&text, 65536);
    bool found = false;
    if (file_read_all(file, 65536, &text, &unused)) {
        const char *line = buf_text(&text);
        while (line && *line && !found) {
            const char *at = &line[strspn(line, " \t")];
            if (strncmp(at, name, sizeof(name) - 1) == 0) {
                at += sizeof(name) - 1;
                at += strspn(at, " \t=");
                copy_path(path, at, strcspn(at, "\n"));
                found = path[0] != 0;
            }
            line = strchr(line, '\n');
            if (line) line++;
        }
    }
    buf_release(&text);
    return found;
}

static bool softhsm_folder(char path[SANDBOX_PATH])
{
    const char *conf = getenv("SOFTHSM2_CONF"), *home = getenv("HOME");
    char file[SANDBOX_PATH];
    if (conf) return read_softhsm(conf, path);
    snprintf(file, sizeof(file), "%s/.config/softhsm2/softhsm2.conf", home ? home : "");
    return (home && read_softhsm(file, path)) || read_softhsm("/etc/softhsm/softhsm2.conf", path);
}

bool sandbox_token_folder(const struct token_settings *token, char path[SANDBOX_PATH])
{
    const char *module = token->module ? token->module : "";
    const char *slash = strrchr(module, '/');
    const char *name = slash ? &slash[1] : module;
    path[0] = 0;
    if (strncmp(name, "libsofthsm2", strlen("libsofthsm2")) == 0) return softhsm_folder(path);
    return nss_folder(token->parameters, path);
}

/* ---- files ---- */

enum {
    LANDLOCK_ALL = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1, /* every right of the first version */
    LANDLOCK_TOKEN = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE |
                     LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                     LANDLOCK_ACCESS_FS_MAKE_REG,
};

static bool allow_folder(int rules, const char *folder)
{
    struct landlock_path_beneath_attr beneath = {.allowed_access = LANDLOCK_TOKEN};
    beneath.parent_fd = open(folder, O_PATH | O_CLOEXEC | O_DIRECTORY);
    if (beneath.parent_fd < 0) return false;
    bool ok = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) == 0;
    close(beneath.parent_fd);
    return ok;
}

static bool close_files(const char *folder)
{
    struct landlock_ruleset_attr attr = {.handled_access_fs = LANDLOCK_ALL};
    int rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
    if (rules < 0) return false;
    bool ok = allow_folder(rules, folder) && syscall(SYS_landlock_restrict_self, rules, 0) == 0;
    close(rules);
    return ok;
}

/* ---- system calls ---- */

/* Refused with EPERM. Those of the network stand first: they are left out where a module may need them. */
static const long refused[] = {
    SYS_socket,
    SYS_connect,
    SYS_bind,
    SYS_listen,
    SYS_accept,
    SYS_accept4,
    SYS_execve,
    SYS_execveat,
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_open_by_handle_at,
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_setns,
    SYS_unshare,
    SYS_init_module,
    SYS_finit_module,
    SYS_kexec_load,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_keyctl,
    SYS_add_key,
    SYS_request_key,
    SYS_io_uring_setup,
    SYS_userfaultfd,
    SYS_pidfd_getfd,
    SYS_reboot,
};
enum { REFUSED_COUNT = sizeof(refused) / sizeof(refused[0]), NETWORK_COUNT = 6, X32_BIT = 0x40000000 };

static bool close_calls(bool network_too)
{
    struct sock_filter code[REFUSED_COUNT + 8];
    unsigned short n = 0;
    const size_t first = network_too ? 0 : NETWORK_COUNT;
    if (SANDBOX_ARCH == 0) return false;
    code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
    code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SANDBOX_ARCH, 1, 0);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    const unsigned char left = (unsigned char)(REFUSED_COUNT - first);
    code[n++] =
        (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, (unsigned char)(left + 1), 0);
    for (size_t i = first; i < REFUSED_COUNT; i++) {
        const unsigned char to_refusal = (unsigned char)(REFUSED_COUNT - i);
        code[n++] =
            (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)refused[i], to_refusal, 0);
    }
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
    struct sock_fprog program = {n, code};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* ---- privileges ---- */

static void drop_privileges(struct buf *notes)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        buf_put_text(notes, "privileges could be gained again (no_new_privs)\n");
    if (syscall(SYS_capset, &head, none) != 0) buf_put_text(notes, "capabilities could not be dropped\n");
}

void sandbox_enter(const char *folder, struct buf *notes)
{
    const bool known = folder && folder[0];
    drop_privileges(notes);
    if (!known)
        buf_put_text(notes,
                     "the module keeps its keys in no known folder: files and network stay open to it\n");
    else if (!close_files(folder))
        buf_put_text(notes, "the kernel has no Landlock: files stay open to the token process\n");
    if (!close_calls(known))
        buf_put_text(notes, "no seccomp here: network and programs stay open to the token process\n");
}

void sandbox_close_files(int but)
{
    if (but > STDERR_FILENO + 1)
        err_ignore(close_range(STDERR_FILENO + 1, (unsigned)but - 1, 0) == 0, "best effort");
    err_ignore(close_range((unsigned)but + 1, ~0U, 0) == 0, "best effort");
}
