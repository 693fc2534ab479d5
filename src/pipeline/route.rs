//! Chooses the model and pool that answer a request.

use std::sync::Arc;

use crate::clients::Client;
use crate::error::Error;
use crate::keys::KeyPool;
use crate::model::Model;
use crate::models::Models;
use crate::plugin::{RouteView, Session};
use crate::runtime::Snapshot;

/// The destination of a request.
pub struct Route {
    /// The pool whose keys serve it.
    pub pool: Arc<KeyPool>,
    /// The model, followed by its fallbacks.
    pub targets: Vec<Model>,
}

/// Resolves the client's model name. Plugins may choose differently, and may resolve names that are otherwise unknown.
///
/// # Errors
/// 404 when the name cannot be resolved.
pub fn choose(snapshot: &Snapshot, session: &Session, asked: &str) -> Result<Route, Error> {
    let models = &snapshot.models;
    let mut route = models.route(asked).unwrap_or_else(|| models.nowhere());
    let first = route.targets.first().map(|model| model.name.to_string()).unwrap_or_default();
    let fallback: Vec<String> = route.targets.iter().skip(1).map(|model| model.name.to_string()).collect();
    let mut view = RouteView {
        asked: asked.to_owned(),
        model: first.clone(),
        fallback: fallback.clone(),
        pool: route.pool.clone(),
    };
    session.on_route(&mut view)?;
    if view.model.is_empty() {
        return Err(Error::model_not_found(asked));
    }
    // A plugin's choice of another model drops the original fallbacks unless it also chose new ones.
    let kept = if view.model == first || view.fallback != fallback { view.fallback } else { Vec::new() };
    if view.model != first || kept != fallback {
        let names = std::iter::once(&view.model).chain(&kept);
        let named = names.map(|name| models.model(name).ok_or_else(|| Error::model_not_found(name)));
        route.targets = named.collect::<Result<_, _>>()?;
    }
    let pool =
        snapshot.pools.get(&view.pool).cloned().ok_or_else(|| {
            Error::internal(format!("A plugin chose the pool `{}`, which is not configured.", view.pool))
        })?;
    Ok(Route { pool, targets: route.targets })
}

/// Checks that the client may use the route: it must be allowed either the name it requested or the model that the name
/// resolves to.
///
/// # Errors
/// 404, as if the model did not exist; 403 when the client has a budget in money and the price of a model is not known.
pub fn permit(client: &Client, models: &Models, asked: &str, route: &Route) -> Result<(), Error> {
    let answers = route.targets.first().map_or("", |model| model.name.as_str());
    if !client.may_use(&[asked, answers]) {
        return Err(Error::model_not_found(asked));
    }
    let unpriced = |model: &&Model| models.price(model.name.as_str()).is_none();
    match route.targets.iter().find(unpriced).filter(|_| client.limits.monthly_nanodollars.is_some()) {
        Some(model) => {
            let message = format!(
                "This client has a budget in dollars, but `{}` has no known price. The operator can set it in `[models.prices.\"{}\"]`.",
                model.name, model.name
            );
            Err(Error::forbidden(message).param("model").code("price_unknown"))
        }
        None => Ok(()),
    }
}
