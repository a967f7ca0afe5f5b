#ifndef PEYVAND_CLIBPQ_SHIM_H
#define PEYVAND_CLIBPQ_SHIM_H

#include <libpq-fe.h>
#include <signal.h>

/* libpq names the fields of an error by macros that are character literals ('C', 'M', …). Swift does not import
   character literals, so each one that is read has a function here. */
static inline int peyvand_diag_severity(void) { return PG_DIAG_SEVERITY_NONLOCALIZED; }
static inline int peyvand_diag_sqlstate(void) { return PG_DIAG_SQLSTATE; }
static inline int peyvand_diag_message(void) { return PG_DIAG_MESSAGE_PRIMARY; }
static inline int peyvand_diag_detail(void) { return PG_DIAG_MESSAGE_DETAIL; }
static inline int peyvand_diag_hint(void) { return PG_DIAG_MESSAGE_HINT; }
static inline int peyvand_diag_constraint(void) { return PG_DIAG_CONSTRAINT_NAME; }
static inline int peyvand_diag_table(void) { return PG_DIAG_TABLE_NAME; }
static inline int peyvand_diag_column(void) { return PG_DIAG_COLUMN_NAME; }

#endif
