//! A client: its identity, and what it may do.

use std::sync::{Arc, OnceLock};

use crate::glob::Glob;
use ipnet::IpNet;

use super::account::{Account, AccountStatus, Accounts};
use super::limits::{Limits, LimitsStatus};
use super::visit::Admission;
use super::{Fidelity, MEETS, Needs, Role};
use crate::allowance::Allowance;
use crate::clock::Moment;
use crate::error::Error;

/// A client.
#[derive(Debug)]
pub struct Client {
    /// Its name in logs and plugins; if none is configured, derived from the digest, so that it reveals nothing about
    /// the key.
    pub name: String,
    /// How to treat a request that asks for something Gemini does not have.
    pub fidelity: Fidelity,
    /// The plugins that apply to it; None means all.
    pub plugins: Option<Arc<[String]>>,
    /// Its limits.
    pub limits: Limits,
    pub(super) models: Vec<Glob>,
    pub(super) addresses: Vec<IpNet>,
    pub(super) role: Option<Role>,
    pub(super) account: OnceLock<Arc<Account>>,
}

/// A client as reported in status output.
#[derive(Debug, serde::Serialize)]
pub struct ClientStatus {
    /// Its name.
    pub name: String,
    /// Its limits.
    pub limits: LimitsStatus,
    /// What it has used; nothing is counted for a client without limits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used: Option<AccountStatus>,
}

impl Client {
    pub(super) fn new(name: String, fidelity: Fidelity, role: Option<Role>) -> Self {
        Self {
            name,
            fidelity,
            plugins: None,
            limits: Limits::default(),
            models: Vec::new(),
            addresses: Vec::new(),
            role,
            account: OnceLock::new(),
        }
    }

    /// The client of a request that needed no key.
    pub fn anonymous() -> Self {
        Self::new("anonymous".into(), Fidelity::Lenient, None)
    }

    /// Whether its role satisfies this need.
    pub fn may(&self, needs: Needs) -> bool {
        needs == Needs::Nothing || self.role.is_some_and(|role| MEETS.contains(&(role, needs)))
    }

    /// Whether it may use every model.
    pub fn may_use_all(&self) -> bool {
        self.models.is_empty()
    }

    /// Whether it may use a model, under any of its names.
    pub fn may_use(&self, names: &[&str]) -> bool {
        self.models.is_empty() || self.models.iter().any(|glob| names.iter().any(|name| glob.matches(name)))
    }

    /// Whether it may call from this address.
    pub fn may_call_from(&self, address: Option<std::net::IpAddr>) -> bool {
        self.addresses.is_empty()
            || address.is_some_and(|address| self.addresses.iter().any(|net| net.contains(&address)))
    }

    /// Admits a request and counts it; None if nothing is counted for this client.
    ///
    /// # Errors
    /// Status 429 if a limit is reached.
    pub fn admit(&self, now: Moment) -> Result<Option<Admission>, Error> {
        self.account().map(|account| account.admit(&self.limits, now)).transpose()
    }

    /// What it may still use, for response headers.
    pub fn allowance(&self, now: Moment) -> Option<Allowance> {
        self.account()?.allowance(&self.limits, now)
    }

    /// The client for status output.
    pub fn status(&self, now: Moment) -> ClientStatus {
        let used = self.account().map(|account| account.status(now));
        ClientStatus { name: self.name.clone(), limits: self.limits.status(), used }
    }

    /// Attaches its account. A client without limits needs none.
    pub(super) fn open(&self, accounts: &Accounts) {
        if !self.limits.is_none() {
            let _ = self.account.set(accounts.open(&self.name));
        }
    }

    fn account(&self) -> Option<&Arc<Account>> {
        self.account.get()
    }
}
