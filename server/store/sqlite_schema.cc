#include "store/sqlite_schema.h"

namespace assay::store {
namespace {

constexpr const char* kMigrations[] = {
    R"sql(
  CREATE TABLE redeemed (
    nonce BLOB PRIMARY KEY NOT NULL CHECK (length(nonce) = 32),
    expires INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX redeemed_by_expiry ON redeemed (expires);

  CREATE TABLE verdict (
    id TEXT PRIMARY KEY NOT NULL CHECK (length(id) = 26),
    recorded_at INTEGER NOT NULL,
    record BLOB NOT NULL
  ) STRICT;

  CREATE TABLE blob (
    sha256 BLOB PRIMARY KEY NOT NULL CHECK (length(sha256) = 32),
    body BLOB NOT NULL
  ) STRICT;

  CREATE TABLE meta (
    name TEXT PRIMARY KEY NOT NULL,
    value INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  INSERT INTO meta VALUES ('latest_time', 0);
)sql",
    // Verdicts that can be listed; nodes, bans and events. The columns before `record` are copies of what is in it. What
    // version 1 recorded waits in verdict_v1 for the program, which alone can read a record.
    R"sql(
  ALTER TABLE verdict RENAME TO verdict_v1;
  CREATE TABLE verdict (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT UNIQUE NOT NULL CHECK (length(id) = 26),
    recorded_at INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    cluster TEXT NOT NULL, role TEXT NOT NULL, name TEXT NOT NULL,
    verdict INTEGER NOT NULL,
    platform TEXT NOT NULL, policy_set TEXT NOT NULL, policy TEXT NOT NULL,
    strength INTEGER NOT NULL,
    reason TEXT NOT NULL,
    valid_until INTEGER NOT NULL,
    identity BLOB NOT NULL, node_key BLOB NOT NULL,
    simulated INTEGER NOT NULL,
    revoked_at INTEGER NOT NULL DEFAULT 0, revoked_by TEXT NOT NULL DEFAULT '', revoked_because TEXT NOT NULL DEFAULT '',
    record BLOB NOT NULL
  ) STRICT;
  CREATE INDEX verdict_by_time ON verdict (recorded_at);
  CREATE INDEX verdict_by_outcome ON verdict (verdict, seq);
  CREATE INDEX verdict_by_name ON verdict (cluster, name, seq);
  CREATE INDEX verdict_by_identity ON verdict (identity, seq) WHERE identity <> x'';
  CREATE INDEX verdict_by_attempt ON verdict (seq) WHERE attempt = 1;
  CREATE INDEX verdict_by_revocation ON verdict (seq) WHERE revoked_at > 0;

  CREATE TABLE verdict_reason (
    reason TEXT NOT NULL,
    seq INTEGER NOT NULL REFERENCES verdict (seq) ON DELETE CASCADE,
    PRIMARY KEY (reason, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX verdict_reason_by_verdict ON verdict_reason (seq);

  ALTER TABLE blob RENAME TO blob_v1;
  CREATE TABLE blob (
    sha256 BLOB PRIMARY KEY NOT NULL CHECK (length(sha256) = 32),
    kind INTEGER NOT NULL,
    used_at INTEGER NOT NULL,
    size INTEGER NOT NULL,
    body BLOB NOT NULL
  ) STRICT;
  INSERT INTO blob SELECT sha256, 2, unixepoch(), length(body), body FROM blob_v1;
  DROP TABLE blob_v1;
  CREATE INDEX blob_by_age ON blob (kind, used_at, size);

  CREATE TABLE node (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    identity BLOB UNIQUE NOT NULL CHECK (length(identity) = 32),
    cluster TEXT NOT NULL, role TEXT NOT NULL, name TEXT NOT NULL,
    platform TEXT NOT NULL, node_key BLOB NOT NULL,
    first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL,
    verdict INTEGER NOT NULL, verdict_id TEXT NOT NULL, simulated INTEGER NOT NULL,
    trusted_until INTEGER NOT NULL, trusted_id TEXT NOT NULL,
    held_cluster TEXT NOT NULL, held_name TEXT NOT NULL,
    conflict_at INTEGER NOT NULL DEFAULT 0, conflict_cluster TEXT NOT NULL DEFAULT '',
    conflict_role TEXT NOT NULL DEFAULT '', conflict_name TEXT NOT NULL DEFAULT ''
  ) STRICT;
  CREATE INDEX node_by_name ON node (cluster, name, seq);
  CREATE INDEX node_by_trusted ON node (trusted_id);

  CREATE TABLE ban (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    kind INTEGER NOT NULL,
    value TEXT NOT NULL,
    at INTEGER NOT NULL, by TEXT NOT NULL, because TEXT NOT NULL,
    UNIQUE (kind, value)
  ) STRICT;

  CREATE TABLE event (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    verdict_seq INTEGER NOT NULL,
    target TEXT NOT NULL, by TEXT NOT NULL, because TEXT NOT NULL
  ) STRICT;
  CREATE INDEX event_by_time ON event (at);
  INSERT INTO meta VALUES ('events_purged', 0), ('refuse_before', 0);
)sql",
    // Indexes that give what is equal to one value in the order of lists. Before, a cluster alone was sorted anew for each page, and
    // an identity was looked for in every row.
    R"sql(
  DROP INDEX verdict_by_name;
  DROP INDEX verdict_by_identity;
  DROP INDEX verdict_by_attempt;
  DROP INDEX verdict_by_revocation;
  CREATE INDEX verdict_by_cluster ON verdict (cluster, seq);
  CREATE INDEX verdict_by_name ON verdict (name, seq);
  CREATE INDEX verdict_by_identity ON verdict (identity, seq);
  CREATE INDEX verdict_by_node_key ON verdict (node_key, seq);
  CREATE INDEX verdict_by_platform ON verdict (platform, seq);
  CREATE INDEX verdict_by_attempt ON verdict (attempt, seq);
  CREATE INDEX verdict_by_revocation ON verdict ((revoked_at > 0), seq);
)sql",
    // Collateral: bodies by content, and for each key in each channel what is kept, and what went wrong last. Floors and bundle
    // numbers only rise. Flips: verdicts that would be another one by what is known since.
    R"sql(
  CREATE TABLE collateral_body (
    sha256 BLOB PRIMARY KEY NOT NULL CHECK (length(sha256) = 32),
    body BLOB NOT NULL
  ) STRICT;
  CREATE TABLE collateral (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL, scope TEXT NOT NULL, detail TEXT NOT NULL, channel TEXT NOT NULL,
    sha256 BLOB REFERENCES collateral_body (sha256),
    size INTEGER NOT NULL DEFAULT 0, source TEXT NOT NULL DEFAULT '', obtained_at INTEGER NOT NULL DEFAULT 0,
    number BLOB CHECK (length(number) = 8), issued INTEGER NOT NULL DEFAULT 0, next_update INTEGER NOT NULL DEFAULT 0,
    failed_at INTEGER NOT NULL DEFAULT 0, failure TEXT NOT NULL DEFAULT '',
    UNIQUE (kind, scope, detail, channel)
  ) STRICT;
  CREATE INDEX collateral_by_body ON collateral (sha256);
  CREATE TRIGGER collateral_replaced AFTER UPDATE OF sha256 ON collateral WHEN old.sha256 IS NOT new.sha256 BEGIN
    DELETE FROM collateral_body WHERE sha256 = old.sha256 AND NOT EXISTS (SELECT 1 FROM collateral WHERE sha256 = old.sha256);
  END;
  CREATE TRIGGER collateral_removed AFTER DELETE ON collateral BEGIN
    DELETE FROM collateral_body WHERE sha256 = old.sha256 AND NOT EXISTS (SELECT 1 FROM collateral WHERE sha256 = old.sha256);
  END;

  CREATE TABLE floor (
    kind TEXT NOT NULL, scope TEXT NOT NULL, detail TEXT NOT NULL, channel TEXT NOT NULL,
    number BLOB NOT NULL CHECK (length(number) = 8), issued INTEGER NOT NULL,
    PRIMARY KEY (kind, scope, detail, channel)
  ) STRICT, WITHOUT ROWID;
  CREATE TRIGGER floor_falls BEFORE UPDATE ON floor WHEN (new.number, new.issued) < (old.number, old.issued) BEGIN
    SELECT raise(ABORT, 'a floor never falls');
  END;

  CREATE TABLE bundle (
    key_id TEXT PRIMARY KEY NOT NULL,
    number INTEGER NOT NULL, sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    at INTEGER NOT NULL, by TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  INSERT INTO meta VALUES ('bundle_number', 0);

  CREATE TABLE flip (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    verdict_seq INTEGER NOT NULL REFERENCES verdict (seq) ON DELETE CASCADE,
    at INTEGER NOT NULL, verdict INTEGER NOT NULL, reason TEXT NOT NULL,
    flip BLOB NOT NULL
  ) STRICT;
  CREATE INDEX flip_by_verdict ON flip (verdict_seq, seq);
)sql",
    // Keys of TPMs that operators vouch for. A key is enrolled once, and for a name one of each kind.
    R"sql(
  CREATE TABLE enrolment (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    kind INTEGER NOT NULL,
    spki BLOB UNIQUE NOT NULL CHECK (length(spki) = 32),
    tpm_name BLOB NOT NULL,
    node TEXT NOT NULL,
    at INTEGER NOT NULL, by TEXT NOT NULL, because TEXT NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX enrolment_by_node ON enrolment (node, kind) WHERE node <> '';
)sql"};

}  // namespace

const SqliteDatabase::Schema kSchema = {0x41737379 /* "Assy" */, kMigrations};

}  // namespace assay::store
