//! One client: who it is, and what it may do.

use std::sync::{Arc, OnceLock};

use ipnet::IpNet;
use wildmatch::WildMatch;

use super::account::{Account, AccountStatus, Accounts};
use super::limits::{Limits, LimitsStatus};
use super::visit::Visit;
use super::{Fidelity, MEETS, Needs, Role};
use crate::allowance::Allowance;
use crate::clock::Moment;
use crate::error::Error;

/// Who called.
#[derive(Debug)]
pub struct Client {
    /// For logs and plugins; where none is configured, made from the digest: it tells nothing of the key.
    pub name: String,
    /// What it wants when a request asks for something Gemini does not have.
    pub fidelity: Fidelity,
    /// The plugins that concern it; all when it is left out.
    pub plugins: Option<Arc<[String]>>,
    /// What it may use.
    pub limits: Limits,
    pub(super) models: Vec<WildMatch>,
    pub(super) addresses: Vec<IpNet>,
    pub(super) role: Option<Role>,
    pub(super) account: OnceLock<Arc<Account>>,
}

/// A client as it is shown.
#[derive(Debug, serde::Serialize)]
pub struct ClientStatus {
    /// Its name.
    pub name: String,
    /// What it may use.
    pub limits: LimitsStatus,
    /// What it has used; nothing is counted where there are no limits.
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

    /// Somebody of whom no key was asked.
    pub fn nobody() -> Self {
        Self::new("anonymous".into(), Fidelity::Lenient, None)
    }

    /// Whether this is enough.
    pub fn may(&self, needs: Needs) -> bool {
        needs == Needs::Nothing || self.role.is_some_and(|role| MEETS.contains(&(role, needs)))
    }

    /// Whether it may use any model.
    pub fn may_use_all(&self) -> bool {
        self.models.is_empty()
    }

    /// Whether it may use a model, by any of its names.
    pub fn may_use(&self, names: &[&str]) -> bool {
        self.models.is_empty() || self.models.iter().any(|glob| names.iter().any(|name| glob.matches(name)))
    }

    /// Whether it may call from here.
    pub fn may_call_from(&self, address: Option<std::net::IpAddr>) -> bool {
        self.addresses.is_empty()
            || address.is_some_and(|address| self.addresses.iter().any(|net| net.contains(&address)))
    }

    /// Lets a request in, and counts it; None where nothing is counted.
    ///
    /// # Errors
    /// 429, when it has used what it may use.
    pub fn admit(&self, now: Moment) -> Result<Option<Visit>, Error> {
        self.account().map(|account| account.admit(&self.limits, now)).transpose()
    }

    /// What it may still use, for headers.
    pub fn allowance(&self, now: Moment) -> Option<Allowance> {
        self.account()?.allowance(&self.limits, now)
    }

    /// As it is shown.
    pub fn status(&self, now: Moment) -> ClientStatus {
        let used = self.account().map(|account| account.status(now));
        ClientStatus { name: self.name.clone(), limits: self.limits.status(), used }
    }

    /// Its account is this from now on. Where there are no limits, none is needed.
    pub(super) fn open(&self, accounts: &Accounts) {
        if !self.limits.is_none() {
            let _ = self.account.set(accounts.open(&self.name));
        }
    }

    fn account(&self) -> Option<&Arc<Account>> {
        self.account.get()
    }
}
