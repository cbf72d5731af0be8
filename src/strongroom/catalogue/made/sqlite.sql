CREATE TABLE stores (
  number INTEGER NOT NULL,
  id TEXT NOT NULL,
  url TEXT NOT NULL,
  writer TEXT NOT NULL,
  seen TEXT NOT NULL,
  dirty BOOLEAN DEFAULT 1 NOT NULL,
  retained TEXT,
  found TEXT DEFAULT '' NOT NULL,
  PRIMARY KEY (number),
  UNIQUE (id)
);
CREATE TABLE collections (
  name TEXT NOT NULL,
  manifest TEXT,
  last_archive TEXT,
  last_outcome TEXT,
  PRIMARY KEY (name)
)
 WITHOUT ROWID;
CREATE TABLE bags (
  seal BLOB NOT NULL,
  name TEXT NOT NULL,
  version BIGINT NOT NULL,
  collection TEXT NOT NULL,
  attempt TEXT NOT NULL,
  sealed TEXT NOT NULL,
  files BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  state BLOB NOT NULL,
  PRIMARY KEY (seal)
)
 WITHOUT ROWID;
CREATE INDEX bags_by_label ON bags (name, version);
CREATE TABLE bag_stores (
  seal BLOB NOT NULL,
  store BIGINT NOT NULL,
  PRIMARY KEY (seal, store)
)
 WITHOUT ROWID;
CREATE TABLE bag_access (
  seal BLOB NOT NULL,
  level TEXT NOT NULL,
  embargo_until TEXT,
  PRIMARY KEY (seal)
)
 WITHOUT ROWID;
CREATE TABLE objects (
  id INTEGER NOT NULL,
  store BIGINT NOT NULL,
  kind TEXT NOT NULL,
  digest BLOB NOT NULL,
  size BIGINT NOT NULL,
  verified BOOLEAN DEFAULT 0 NOT NULL,
  members BLOB,
  damaged BOOLEAN DEFAULT 0 NOT NULL,
  since TEXT NOT NULL,
  PRIMARY KEY (id),
  UNIQUE (store, kind, digest),
  CHECK (kind IN ('pack', 'zstd', 'content'))
);
CREATE TABLE places (
  store BIGINT NOT NULL,
  scope TEXT NOT NULL,
  sha256 BLOB NOT NULL,
  object BIGINT NOT NULL,
  length BIGINT NOT NULL,
  PRIMARY KEY (store, scope, sha256, object)
)
 WITHOUT ROWID;
CREATE INDEX places_by_length ON places (store, length) WHERE length > 4194304;
CREATE INDEX places_by_object ON places (object);
CREATE TABLE verdicts (
  number INTEGER NOT NULL,
  mime TEXT NOT NULL,
  puid TEXT NOT NULL,
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  basis TEXT NOT NULL,
  flags TEXT NOT NULL,
  signatures TEXT NOT NULL,
  PRIMARY KEY (number),
  UNIQUE (puid, mime, name, version, basis, flags, signatures)
);
CREATE TABLE formats (
  sha256 BLOB NOT NULL,
  extension TEXT NOT NULL,
  verdict BIGINT NOT NULL,
  PRIMARY KEY (sha256, extension)
)
 WITHOUT ROWID;
CREATE TABLE scans (
  sha256 BLOB NOT NULL,
  outcome TEXT NOT NULL,
  detail TEXT NOT NULL,
  signatures TEXT NOT NULL,
  PRIMARY KEY (sha256)
)
 WITHOUT ROWID;
CREATE TABLE bag_formats (
  seal BLOB NOT NULL,
  verdict BIGINT NOT NULL,
  files BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  PRIMARY KEY (seal, verdict)
)
 WITHOUT ROWID;
CREATE TABLE source_files (
  collection TEXT NOT NULL,
  path TEXT NOT NULL,
  size BIGINT NOT NULL,
  mtime BIGINT NOT NULL,
  ctime BIGINT NOT NULL,
  inode BIGINT NOT NULL,
  pin TEXT,
  sha256 BLOB NOT NULL,
  others BLOB NOT NULL,
  PRIMARY KEY (collection, path)
)
 WITHOUT ROWID;
CREATE TABLE source_reads (
  collection TEXT NOT NULL,
  source BLOB NOT NULL,
  algorithms TEXT NOT NULL,
  seal BLOB NOT NULL,
  PRIMARY KEY (collection)
)
 WITHOUT ROWID;
CREATE TABLE checks (
  store BIGINT NOT NULL,
  base TEXT NOT NULL,
  "key" TEXT NOT NULL,
  seq BIGINT NOT NULL,
  outcome TEXT NOT NULL,
  time TEXT NOT NULL,
  size BIGINT,
  expected TEXT,
  found TEXT,
  published BOOLEAN DEFAULT 0 NOT NULL,
  PRIMARY KEY (store, "key")
)
 WITHOUT ROWID;
CREATE INDEX checks_by_base ON checks (store, base);
CREATE INDEX checks_by_seq ON checks (store, seq);
CREATE INDEX checks_unpublished ON checks (store, "key") WHERE NOT published;
CREATE INDEX checks_unsound ON checks (store, "key") WHERE outcome IN ('damaged', 'missing');
CREATE TABLE unread (
  store BIGINT NOT NULL,
  base TEXT NOT NULL,
  "key" TEXT NOT NULL,
  seq BIGINT NOT NULL,
  cold BOOLEAN DEFAULT 0 NOT NULL,
  PRIMARY KEY (store, "key")
)
 WITHOUT ROWID;
CREATE TABLE audits (
  store BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  scope TEXT NOT NULL,
  round BIGINT NOT NULL,
  began TEXT NOT NULL,
  ended TEXT,
  complete BOOLEAN DEFAULT 0 NOT NULL,
  PRIMARY KEY (store, seq)
)
 WITHOUT ROWID;
CREATE TABLE withheld_files (
  name TEXT NOT NULL,
  version BIGINT NOT NULL,
  sha256 BLOB NOT NULL,
  files BIGINT NOT NULL,
  PRIMARY KEY (name, version, sha256)
)
 WITHOUT ROWID;
CREATE INDEX withheld_files_by_content ON withheld_files (sha256);
CREATE TABLE counted_bags (
  seal BLOB NOT NULL,
  notable TEXT NOT NULL,
  PRIMARY KEY (seal)
)
 WITHOUT ROWID;
CREATE TABLE held (
  collection TEXT NOT NULL,
  sha256 BLOB NOT NULL,
  length BIGINT NOT NULL,
  files BIGINT NOT NULL,
  bags BIGINT NOT NULL,
  first BIGINT NOT NULL,
  PRIMARY KEY (collection, sha256)
)
 WITHOUT ROWID;
CREATE INDEX held_by_content ON held (sha256, length);
CREATE TABLE likeness_contents (
  number INTEGER NOT NULL,
  sha256 BLOB NOT NULL,
  length BIGINT,
  type TEXT,
  method TEXT,
  kind TEXT,
  note TEXT DEFAULT '' NOT NULL,
  compared BOOLEAN DEFAULT 0 NOT NULL,
  PRIMARY KEY (number),
  UNIQUE (sha256)
);
CREATE INDEX likeness_unread ON likeness_contents (number) WHERE method IS NULL;
CREATE TABLE likeness_members (
  collection TEXT NOT NULL,
  content BIGINT NOT NULL,
  path TEXT NOT NULL,
  files BIGINT NOT NULL,
  first BIGINT NOT NULL,
  last BIGINT NOT NULL,
  PRIMARY KEY (collection, content)
)
 WITHOUT ROWID;
CREATE INDEX likeness_members_by_content ON likeness_members (content);
CREATE TABLE likeness_bags (
  seal BLOB NOT NULL,
  PRIMARY KEY (seal)
)
 WITHOUT ROWID;
CREATE TABLE likeness_boilerplate (
  collection TEXT NOT NULL,
  documents BIGINT NOT NULL,
  shingles BLOB NOT NULL,
  PRIMARY KEY (collection)
)
 WITHOUT ROWID;
CREATE TABLE likeness_pairs (
  a BIGINT NOT NULL,
  b BIGINT NOT NULL,
  kind TEXT NOT NULL,
  jaccard DOUBLE NOT NULL,
  a_in_b DOUBLE NOT NULL,
  b_in_a DOUBLE NOT NULL,
  differs TEXT NOT NULL,
  turned TEXT NOT NULL,
  PRIMARY KEY (a, b)
)
 WITHOUT ROWID;
CREATE INDEX likeness_pairs_by_b ON likeness_pairs (b);
CREATE TABLE runs (
  number INTEGER NOT NULL,
  job TEXT NOT NULL,
  collection TEXT NOT NULL,
  store TEXT NOT NULL,
  started TEXT NOT NULL,
  ended TEXT,
  outcome TEXT NOT NULL,
  exit_status BIGINT,
  summary TEXT NOT NULL,
  PRIMARY KEY (number)
);
CREATE INDEX runs_by_job ON runs (job, collection, number);
CREATE INDEX runs_by_start ON runs (started);
