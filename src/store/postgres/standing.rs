//! What a database server is like, and what its role may do there: for `gleaner check`, nothing depends on it.

use sqlx::Row;

use super::Postgres;
use super::session::{self, failed};
use crate::store::StoreError;
use crate::store::schema::POSTGRES;

/// What the server says of itself and of this role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub version: String,
    /// Connections that roles like this one may have at most, all programs together, and those in use now.
    pub connections: i64,
    pub connected: i64,
    /// It takes no writes: a standby, or set so.
    pub is_read_only: bool,
    /// The connection is encrypted; and whether it leaves this machine.
    pub is_encrypted: bool,
    pub is_local: bool,
    /// Where this is off, commits that were answered may be lost in a crash of the server.
    pub synchronous_commit: String,
    pub role: String,
    /// It may change the tables themselves, which no worker needs.
    pub is_owner: bool,
    /// Privileges that a worker needs and this role lacks, such as `UPDATE on leads`.
    pub missing: Vec<String>,
}

const ASKED: &str = "select current_setting('server_version'),
    current_setting('max_connections')::bigint - current_setting('superuser_reserved_connections')::bigint,
    (select coalesce(sum(numbackends), 0) from pg_stat_database)::bigint,
    pg_is_in_recovery() or current_setting('default_transaction_read_only')::boolean,
    coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false),
    coalesce(inet_client_addr() <<= '127.0.0.0/8' or inet_client_addr() = '::1' or inet_client_addr() = inet_server_addr(), true),
    current_setting('synchronous_commit'), current_user::text,
    coalesce((select pg_has_role(relowner, 'USAGE') from pg_class where oid = to_regclass('leads')), false)";

/// The version of the schema and the epoch are the migration's to write; everything else is everyday work.
const MISSING: &str = "select p.privilege || ' on ' || t.name
    from unnest($1::text[]) as t (name)
        cross join (values (1, 'SELECT'), (2, 'INSERT'), (3, 'UPDATE'), (4, 'DELETE')) as p (place, privilege)
    where to_regclass(t.name) is not null
        and (p.privilege = 'SELECT' or t.name not in ('schema_version', 'meta'))
        and not has_table_privilege(to_regclass(t.name), p.privilege)
    order by t.name, p.place";

const MISSING_SEQUENCES: &str = "select 'USAGE on sequence ' || t.name from unnest($1::text[]) as t (name)
    where to_regclass(t.name) is not null and not has_sequence_privilege(to_regclass(t.name), 'USAGE') order by t.name";

impl Postgres {
    /// What the server is like and what this role may do there.
    ///
    /// # Errors
    /// Those of a connection.
    pub async fn standing(&self) -> Result<Standing, StoreError> {
        let rows = session::fetch(&self.pool, sqlx::query(ASKED)).await?;
        let row = rows.first().ok_or_else(|| StoreError::Refused("the server said nothing".into()))?;
        let mut tables = made("create table ");
        tables.extend(["schema_version".to_owned(), "meta".to_owned()]);
        let mut missing = Vec::new();
        for (sql, names) in [(MISSING, tables), (MISSING_SEQUENCES, made("create sequence "))] {
            for row in session::fetch(&self.pool, sqlx::query(sql).bind(names)).await? {
                missing.push(row.try_get(0).map_err(failed)?);
            }
        }
        Ok(Standing {
            version: row.try_get(0).map_err(failed)?,
            connections: row.try_get(1).map_err(failed)?,
            connected: row.try_get(2).map_err(failed)?,
            is_read_only: row.try_get(3).map_err(failed)?,
            is_encrypted: row.try_get(4).map_err(failed)?,
            is_local: row.try_get(5).map_err(failed)?,
            synchronous_commit: row.try_get(6).map_err(failed)?,
            role: row.try_get(7).map_err(failed)?,
            is_owner: row.try_get(8).map_err(failed)?,
            missing,
        })
    }
}

/// The names of what the migrations make, read from themselves.
fn made(statement: &str) -> Vec<String> {
    let lines = POSTGRES.iter().flat_map(|migration| migration.sql.lines());
    let names = lines.filter_map(|line| line.strip_prefix(statement)?.split([' ', '(', ';']).next());
    names.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_tables_are_read_from_the_migrations() {
        let tables = made("create table ");
        for name in ["leads", "seen", "outbox", "claims", "suppression"] {
            assert!(tables.iter().any(|table| table == name), "{name} is not among {tables:?}");
        }
        assert_eq!(made("create sequence "), ["lead_numbers"]);
    }
}
