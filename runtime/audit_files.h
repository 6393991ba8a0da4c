/* Reading the audit log: the files in their order, and the lines in them. */
#ifndef RUNTIME_AUDIT_FILES_H
#define RUNTIME_AUDIT_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct value;

#define AUDIT_FILES_MAX 100000
#define AUDIT_FILES_BYTES_MAX ((size_t)1 << 30)

/* Numbers of first records, ascending; the caller frees. */
int audit_files_list(int dir, uint64_t **numbers, size_t *len, struct err *);

/* The file's name in its directory. */
#define AUDIT_FILES_NAME 32
void audit_files_name(char name[AUDIT_FILES_NAME], uint64_t number);

/*
 * One file in memory, line by line.  whole is false for what stands behind the
 * last newline.
 */
struct audit_file {
	char *data;
	size_t len, at;
};
int audit_files_read(struct audit_file *, int dir, const char *name,
    struct err *);
bool audit_files_next(struct audit_file *, const char **line, size_t *len,
    bool *whole);
void audit_files_close(struct audit_file *);

/* A line that is a record of that kind (NULL: of any): what fn returns; else 0.
 */
typedef int audit_files_fn(void *arg, uint64_t seq, const char *hash,
    const struct value *record);
int audit_files_take(const char *line, size_t len, const char *kind,
    audit_files_fn *, void *arg);

/*
 * Every record of that kind (NULL: of any) in all files, in order: fn returns
 * 0 to go on.  Lines that are no records are passed over; nothing is verified.
 */
int audit_files_each(int dir, const char *kind, audit_files_fn *fn, void *arg,
    struct err *);

#endif
