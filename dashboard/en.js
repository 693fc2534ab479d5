// English. `zh.js` has the same names.
export default {
  'login.key': 'Admin key', 'login.about': 'One of auth.admin_keys. It is stored only in this tab, until the tab is closed.', 'login.enter': 'Open the dashboard',
  'login.wrong': 'This is not an admin key of this server.', 'login.unreachable': 'The server does not answer.', leave: 'Sign out',
  'theme.dark': 'Dark', 'theme.light': 'Light', screens: 'Screens', close: 'Close', look: 'View', now: 'now', ago: '{time} ago', key: 'Key',
  shortcuts: 'Keyboard shortcuts', 'shortcuts.about': 'Alt 1 to Alt 8: switch between screens. Alt K: show this help. Tab, Enter and Escape work as usual.',
  'feed.live': 'Live', 'feed.lost': 'Connecting…', 'feed.refused': 'Rejected', running: '{version} · up {since}',
  'screen.overview': 'Overview', 'screen.keys': 'Keys', 'screen.requests': 'Requests', 'screen.latency': 'Latency', 'screen.config': 'Configuration',
  'screen.plugins': 'Plugins', 'screen.playground': 'Translator', 'screen.usage': 'Usage',

  'banner.together': 'Several keys failed at once.', 'banner.together.about': '{hit} of the {of} keys in pool “{pool}” entered cooldown within ten seconds ({why}). The keys are probably not the cause: check for a limit of the whole project or of this IP address.',
  'banner.refused': 'The last configuration change was rejected.', 'banner.refused.about': 'The previous configuration stays live.',

  'tile.rate': 'Requests per minute', 'tile.rate.about': '{n} in total', 'tile.success': 'Answered in full', 'tile.success.about': '{client} client · {server} server',
  'tile.duration': 'Duration, median', 'tile.first': 'First content, median', 'tile.first.none': 'no streams yet', 'tile.tokens': 'Tokens per minute',
  'tile.live': 'In flight', 'tile.live.about': '{n} streaming',
  'overview.traffic': 'Traffic, last five minutes', 'overview.traffic.about': '{n} requests in the last five minutes', 'overview.answered': 'answered', 'overview.client': 'client errors', 'overview.server': 'server errors',
  'overview.models': 'By model', 'overview.first': 'first', 'overview.faults': 'Why attempts failed', 'overview.faults.of': 'latest requests', 'overview.faults.none': 'No failures.', 'overview.recent': 'Latest requests', 'overview.all': 'Show all',

  'first.title': 'No requests yet', 'first.about': 'Point a client at this server; its requests appear here immediately.', 'first.clients': 'Clients', 'first.more': 'More clients:',

  'keys.filter': 'Filter keys', 'keys.of': 'Pool {pool}', 'keys.about': 'Rows are keys, columns are models.', 'keys.counts': '{usable} of {total} usable · {resting} cooling down · {dead} dead · {disabled} disabled',
  'state.ready': 'ready', 'state.resting': 'cooling down', 'state.probing': 'probing', 'state.dead': 'dead', 'state.disabled': 'disabled', 'state.idle': 'not used yet',
  'short.probing': 'probing', 'short.disabled': 'disabled', 'short.dead': 'dead', 'short.resting': 'cooling', 'short.ready': 'ready',
  'short.key_invalid': 'invalid', 'short.key_blocked': 'blocked', 'short.location': 'location', 'short.billing': 'billing', 'short.rate_limited': 'rate', 'short.day_quota': 'day',
  'short.model_not_for_key': 'no access', 'short.overloaded': 'overload', 'short.upstream_error': 'error', 'short.unreachable': 'network', 'short.timeout': 'timeout', 'short.broken_answer': 'broken', 'short.truncated': 'cut off', 'short.unknown': 'unknown',
  'key.id': 'ID', 'key.project': 'Project', 'key.state': 'State', 'key.whole': 'the whole key', 'key.why': 'Why', 'key.quota': 'Quota', 'key.until': 'Until', 'key.strikes': 'Consecutive cooldowns',
  'key.last_fault': 'Last fault', 'key.requests': 'Requests', 'key.failures': 'Failures', 'key.in_flight': 'In flight', 'key.today': 'Today', 'key.today.about': '{requests} requests, {tokens} tokens today', 'key.shares': 'Probably shares quota with',
  'key.reset.model': 'Reset for this model', 'key.reset': 'Reset key', 'key.disable': 'Disable', 'key.enable': 'Enable', 'key.test': 'Test with Google',
  'key.accepted': 'Google accepts the key: it may use {n} models.', 'key.refused': 'Google rejects the key: {why}.',
  'key.done.reset': 'Key {key} was reset.', 'key.done.disable': 'Key {key} is disabled.', 'key.done.enable': 'Key {key} is enabled.',

  'why.ok': 'answered', 'why.bad_request': 'bad request', 'why.context_length': 'too many tokens', 'why.withheld': 'answer withheld', 'why.model_not_found': 'no such model', 'why.model_not_for_key': 'no access to this model', 'why.not_owned': 'resource of another project',
  'why.key_invalid': 'key invalid or expired', 'why.key_blocked': 'key blocked', 'why.location': 'location not allowed', 'why.billing': 'billing account empty', 'why.rate_limited': 'per-minute quota', 'why.day_quota': 'daily quota',
  'why.overloaded': 'model overloaded', 'why.upstream_error': 'Google internal error', 'why.unreachable': 'no connection', 'why.timeout': 'timed out', 'why.broken_answer': 'broken answer', 'why.truncated': 'answer cut off', 'why.unknown': 'unknown fault',
  'rest.key': 'key cooldown, {s}', 'rest.quota': 'key and model cooldown, {s}', 'rest.model': 'model cooldown, {s}', 'rest.ever': 'until reset',

  'phase.accepted': 'accepted', 'phase.attempt': 'attempt {n}', 'phase.retrying': 'retrying', 'phase.answering': 'answering', 'phase.streaming': 'streaming', 'phase.left': 'client disconnected',
  'requests.filter': 'Filter requests', 'requests.kind': 'Show requests', 'requests.all': 'All', 'requests.live': 'In flight', 'requests.failed': 'Failed', 'requests.retried': 'Retried', 'requests.pause': 'Pause', 'requests.none': 'No requests.', 'requests.count': '{live} in flight · {over} finished',
  'request.title': 'Request {id}', 'request.open': '{words}: {asked}', 'request.id': 'ID', 'request.time': 'Time', 'request.at': 'Arrived', 'request.status': 'Status', 'request.client': 'Client', 'request.asked': 'Requested model', 'request.stream': 'streamed', 'request.model': 'Model', 'request.spent': 'Time breakdown',
  'request.cache': 'Answer cache', 'request.first': 'First content', 'request.duration': 'Duration', 'request.tokens': 'Tokens', 'request.tokens.about': '{prompt} prompt, {completion} answer', 'request.plugins': 'Plugins', 'request.tries': 'Attempts', 'request.outcome': 'Outcome', 'request.rest': 'Resulting cooldown',
  'request.capsule': 'Download capsule', 'request.no_capsule': 'The content was not stored: telemetry.capsules is 0, or the request is too old.',
  'span.arrived': 'Arrived', 'span.arrived.about': 'until the whole request was received', 'span.attempt': 'Attempt {n}', 'span.stream': 'Stream', 'span.stream.about': '{n} writes to the client',

  'latency.table': 'Percentiles by model', 'latency.answers': 'Answers', 'latency.first': 'first content', 'latency.duration': 'total duration', 'latency.none': 'No answers yet.', 'latency.no_streams': 'Nothing streamed yet.',

  'config.live': 'Live', 'config.generation': 'Generation {n}', 'config.hash': 'Hash', 'config.file': 'Files', 'config.built_in': 'built in', 'config.loaded': 'Loaded', 'config.history': 'History', 'config.is_live': 'live',
  'config.trial': 'What would change?', 'config.reload': 'Reload now', 'config.would_change': 'A reload would change', 'config.would_refuse': 'A reload would be rejected', 'config.no_changes': 'Nothing.', 'config.reloaded': 'Generation {n} is live.', 'config.same': 'No changes.',
  'config.refused': 'Rejected', 'config.refused.about': 'This change is not live. The previous configuration is used until the errors are corrected.', 'config.last_good': 'The configuration was rejected at startup: the last accepted one is used.', 'config.error': 'error', 'config.warning': 'warning', 'config.flag': 'command line',
  'config.rollback': 'Roll back', 'config.rollback.title': 'Roll back to generation {n}?', 'config.rollback.about': 'The files are restored to their content at that time and loaded. Files in the way are renamed, not lost.',

  'plugins.title': 'Plugins, in order', 'plugins.none': 'No plugin is loaded.', 'plugins.order': '#', 'plugins.plugin': 'Plugin', 'plugins.state': 'State', 'plugins.hook': 'Hook', 'plugins.calls': 'Calls', 'plugins.errors': 'Errors', 'plugins.spent': 'Total time',
  'plugins.live': 'live', 'plugins.shadow': 'shadow', 'plugins.off': 'turned off', 'plugins.try': 'Try a request', 'plugins.request': 'Chat request', 'plugins.run': 'Run', 'plugins.outcome': 'Effect of each plugin', 'plugins.try.about': 'Run the request on the left; no model is called.',
  'plugins.untouched': 'No plugin changes it.', 'plugins.replied': 'A plugin answers it:', 'plugins.goes_to': 'Goes to {model}, pool {pool}.',

  'playground.about': 'How a request is translated on its way to Gemini, including plugins and aliases. No model is called and no quota is used.', 'playground.endpoint': 'Endpoint', 'playground.left': 'Request', 'playground.right': 'Gemini request', 'playground.fields': 'Result for each field', 'playground.none': 'Nothing to report.',
  'playground.field': 'Field', 'playground.verdict': 'Verdict', 'playground.why': 'Why', 'playground.param': 'field', 'playground.code': 'code',
  'verdict.kept': 'kept', 'verdict.renamed': 'renamed', 'verdict.clamped': 'clamped', 'verdict.emulated': 'emulated', 'verdict.dropped': 'dropped', 'verdict.refused': 'refused',

  'usage.by.client': 'By client', 'usage.by.model': 'By model', 'usage.by.day': 'By day', 'usage.by.key': 'By key', 'usage.client': 'Client', 'usage.model': 'Model', 'usage.day': 'Day', 'usage.key': 'Key', 'usage.requests': 'Requests', 'usage.failures': 'Failed', 'usage.prompt': 'Prompt', 'usage.completion': 'Answer', 'usage.tokens': 'Tokens',
  'usage.none': 'No usage yet.', 'usage.since_start': 'since startup', 'usage.kept': 'within the store’s retention',
};
