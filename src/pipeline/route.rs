//! Which model, of which pool, answers a request.

use std::sync::Arc;

use crate::error::Error;
use crate::keys::KeyPool;
use crate::model::Model;
use crate::plugin::{RouteView, Session};
use crate::runtime::Snapshot;

/// Where a request goes.
pub struct Route {
    /// Whose keys serve it.
    pub pool: Arc<KeyPool>,
    /// The model, then those to fall back on.
    pub targets: Vec<Model>,
}

/// Resolves the client's name for a model; plugins may choose otherwise.
///
/// # Errors
/// 404 when nobody knows the name.
pub fn choose(snapshot: &Snapshot, session: &Session, asked: &str) -> Result<Route, Error> {
    let models = &snapshot.models;
    let mut route = models.route(asked).ok_or_else(|| Error::model_not_found(asked))?;
    let first = route.targets.first().map(|model| model.name.to_string()).unwrap_or_default();
    let mut view = RouteView { asked: asked.to_owned(), model: first.clone(), pool: route.pool.clone() };
    session.on_route(&mut view)?;
    if view.model != first {
        route.targets = vec![models.model(&view.model).ok_or_else(|| Error::model_not_found(&view.model))?];
    }
    let pool =
        snapshot.pools.get(&view.pool).cloned().ok_or_else(|| {
            Error::internal(format!("A plugin chose the pool `{}`, which is not configured.", view.pool))
        })?;
    Ok(Route { pool, targets: route.targets })
}
