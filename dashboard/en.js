// English. `zh.js` has the same names.
export default {
  'login.key': 'Admin key', 'login.about': 'One of auth.admin_keys. It stays in this tab and is forgotten with it.', 'login.enter': 'Open the dashboard',
  'login.wrong': 'This is no admin key of this server.', 'login.unreachable': 'The server does not answer.', leave: 'Leave',
  'theme.dark': 'Dark', 'theme.light': 'Light', screens: 'Screens', close: 'Close', look: 'Look', now: 'now', ago: '{time} ago', key: 'Key',
  shortcuts: 'Keys of this page', 'shortcuts.about': 'Alt 1 to Alt 8: the screens, in order. Alt K: this. Tab, Enter and Escape do what they always do.',
  'feed.live': 'Live', 'feed.lost': 'Connecting…', 'feed.refused': 'Refused', running: '{version} · up {since}',
  'screen.overview': 'Overview', 'screen.keys': 'Keys', 'screen.requests': 'Requests', 'screen.latency': 'Latency', 'screen.config': 'Configuration',
  'screen.plugins': 'Plugins', 'screen.playground': 'Translator', 'screen.usage': 'Usage',

  'banner.together': 'Keys are failing together.', 'banner.together.about': '{hit} of the {of} keys in pool “{pool}” began to rest within ten seconds ({why}). That is hardly the keys: look for a limit of the whole project, or of this address.',
  'banner.refused': 'The last change of the configuration was refused.', 'banner.refused.about': 'The one before stays live.',

  'tile.rate': 'Requests a minute', 'tile.rate.about': '{n} in all', 'tile.success': 'Answered in full', 'tile.success.about': '{client} client · {server} server',
  'tile.duration': 'Duration, median', 'tile.first': 'First content, median', 'tile.first.none': 'no streams yet', 'tile.tokens': 'Tokens a minute',
  'tile.live': 'Under way', 'tile.live.about': '{n} streaming',
  'overview.traffic': 'Traffic, last five minutes', 'overview.traffic.about': '{n} requests in the last five minutes', 'overview.answered': 'answered', 'overview.client': 'client errors', 'overview.server': 'server errors',
  'overview.models': 'By model', 'overview.first': 'first', 'overview.faults': 'Why attempts failed', 'overview.faults.of': 'latest requests', 'overview.faults.none': 'None has.', 'overview.recent': 'Latest requests', 'overview.all': 'All of them',

  'first.title': 'Nobody has called yet', 'first.about': 'Point a client at this server. What it does will show here at once.', 'first.clients': 'Clients', 'first.more': 'More clients:',

  'keys.filter': 'Filter keys', 'keys.of': 'Pool {pool}', 'keys.about': 'Rows are keys, columns are models.', 'keys.counts': '{usable} of {total} usable · {resting} resting · {dead} dead · {disabled} disabled',
  'state.ready': 'ready', 'state.resting': 'resting', 'state.probing': 'on trial', 'state.dead': 'dead', 'state.disabled': 'disabled', 'state.idle': 'not used yet',
  'short.probing': 'trial', 'short.disabled': 'off', 'short.dead': 'dead', 'short.resting': 'rests', 'short.ready': 'ready',
  'short.key_invalid': 'invalid', 'short.key_blocked': 'blocked', 'short.location': 'location', 'short.billing': 'billing', 'short.rate_limited': 'rate', 'short.day_quota': 'day',
  'short.model_not_for_key': 'no access', 'short.overloaded': 'overload', 'short.upstream_error': 'error', 'short.unreachable': 'network', 'short.timeout': 'timeout', 'short.broken_answer': 'broken', 'short.truncated': 'cut off', 'short.unknown': 'unknown',
  'key.id': 'Id', 'key.project': 'Project', 'key.state': 'State', 'key.whole': 'the whole key', 'key.why': 'Why', 'key.quota': 'Quota', 'key.until': 'Until', 'key.strikes': 'Rests in a row',
  'key.last_fault': 'Last fault', 'key.requests': 'Requests', 'key.failures': 'Failures', 'key.in_flight': 'Under way', 'key.today': 'Today', 'key.today.about': '{requests} requests, {tokens} tokens today', 'key.shares': 'Probably shares quota with',
  'key.reset.model': 'Put back for this model', 'key.reset': 'Put the key back', 'key.disable': 'Take out of use', 'key.enable': 'Take into use', 'key.test': 'Test at Google',
  'key.accepted': 'Google accepts the key: it may use {n} models.', 'key.refused': 'Google refuses the key: {why}.',
  'key.done.reset': 'Key {key} is back.', 'key.done.disable': 'Key {key} is out of use.', 'key.done.enable': 'Key {key} is in use again.',

  'why.ok': 'answered', 'why.bad_request': 'bad request', 'why.context_length': 'too many tokens', 'why.withheld': 'answer withheld', 'why.model_not_found': 'no such model', 'why.model_not_for_key': 'model not for this key', 'why.not_owned': 'thing of another project',
  'why.key_invalid': 'key invalid or expired', 'why.key_blocked': 'key blocked', 'why.location': 'location not allowed', 'why.billing': 'billing account empty', 'why.rate_limited': 'quota of the minute', 'why.day_quota': 'quota of the day',
  'why.overloaded': 'model overloaded', 'why.upstream_error': 'error inside Google', 'why.unreachable': 'no connection', 'why.timeout': 'took too long', 'why.broken_answer': 'broken answer', 'why.truncated': 'answer cut off', 'why.unknown': 'unknown fault',
  'rest.key': 'key rests, {s}', 'rest.quota': 'key and model rest, {s}', 'rest.model': 'model rests, {s}', 'rest.ever': 'until put back',

  'phase.accepted': 'accepted', 'phase.attempt': 'attempt {n}', 'phase.retrying': 'retrying', 'phase.answering': 'answering', 'phase.streaming': 'streaming', 'phase.left': 'client left',
  'requests.filter': 'Filter requests', 'requests.kind': 'Which requests', 'requests.all': 'All', 'requests.live': 'Under way', 'requests.failed': 'Failed', 'requests.retried': 'Retried', 'requests.pause': 'Pause', 'requests.none': 'No request here.', 'requests.count': '{live} under way · {over} over',
  'request.title': 'Request {id}', 'request.open': '{words}: {asked}', 'request.id': 'Id', 'request.time': 'Time', 'request.at': 'Came', 'request.status': 'Status', 'request.client': 'Client', 'request.asked': 'Asked for', 'request.stream': 'streamed', 'request.model': 'Model', 'request.spent': 'Where time went',
  'request.cache': 'Kept answers', 'request.first': 'First content', 'request.duration': 'Duration', 'request.tokens': 'Tokens', 'request.tokens.about': '{prompt} prompt, {completion} answer', 'request.plugins': 'Plugins', 'request.tries': 'Attempts', 'request.outcome': 'Outcome', 'request.rest': 'Rest that followed',
  'request.capsule': 'Download the capsule', 'request.no_capsule': 'What it said was not kept: telemetry.capsules is 0, or it is too long ago.',
  'span.arrived': 'Arrived', 'span.arrived.about': 'until all of the request was here', 'span.attempt': 'Attempt {n}', 'span.stream': 'Stream', 'span.stream.about': '{n} writes to the client',

  'latency.table': 'Percentiles by model', 'latency.answers': 'Answers', 'latency.first': 'first content', 'latency.duration': 'whole duration', 'latency.none': 'No answers yet.', 'latency.no_streams': 'Nothing streamed yet.',

  'config.live': 'Live', 'config.generation': 'Generation {n}', 'config.hash': 'Hash', 'config.file': 'Files', 'config.built_in': 'built in', 'config.loaded': 'Loaded', 'config.history': 'History', 'config.is_live': 'live',
  'config.trial': 'What would change?', 'config.reload': 'Load now', 'config.would_change': 'A load would change', 'config.would_refuse': 'A load would be refused', 'config.no_changes': 'Nothing.', 'config.reloaded': 'Generation {n} is live.', 'config.same': 'Nothing has changed.',
  'config.refused': 'Refused', 'config.refused.about': 'This change is not live. The configuration before is, until this is mended.', 'config.last_good': 'The start was refused: the last accepted configuration stands in.', 'config.error': 'error', 'config.warning': 'warning', 'config.flag': 'command line',
  'config.rollback': 'Go back', 'config.rollback.title': 'Back to generation {n}?', 'config.rollback.about': 'The files are written as they were then, and loaded. What is in the way is set aside, not lost.',

  'plugins.title': 'Plugins, in their order', 'plugins.none': 'No plugin is loaded.', 'plugins.order': '#', 'plugins.plugin': 'Plugin', 'plugins.state': 'State', 'plugins.hook': 'Hook', 'plugins.calls': 'Calls', 'plugins.errors': 'Errors', 'plugins.spent': 'In all',
  'plugins.live': 'live', 'plugins.shadow': 'shadow', 'plugins.off': 'fuse blown', 'plugins.try': 'Try a request', 'plugins.request': 'A chat request', 'plugins.run': 'Run', 'plugins.outcome': 'What each plugin makes of it', 'plugins.try.about': 'Run the request on the left: nobody is called.',
  'plugins.untouched': 'No plugin changes it.', 'plugins.replied': 'A plugin answers it:', 'plugins.goes_to': 'Goes to {model}, pool {pool}.',

  'playground.about': 'What a request becomes on its way to Gemini, plugins and aliases included. Nobody is called, and nothing is spent.', 'playground.endpoint': 'Endpoint', 'playground.left': 'Request', 'playground.right': 'Gemini’s request', 'playground.fields': 'What became of each field', 'playground.none': 'Nothing to tell.',
  'playground.field': 'Field', 'playground.verdict': 'Verdict', 'playground.why': 'Why', 'playground.param': 'field', 'playground.code': 'code',
  'verdict.kept': 'kept', 'verdict.renamed': 'renamed', 'verdict.clamped': 'clamped', 'verdict.emulated': 'emulated', 'verdict.dropped': 'dropped', 'verdict.refused': 'refused',

  'usage.by.client': 'By client', 'usage.by.model': 'By model', 'usage.by.day': 'By day', 'usage.by.key': 'By key', 'usage.client': 'Client', 'usage.model': 'Model', 'usage.day': 'Day', 'usage.key': 'Key', 'usage.requests': 'Requests', 'usage.failures': 'Failed', 'usage.prompt': 'Prompt', 'usage.completion': 'Answer', 'usage.tokens': 'Tokens',
  'usage.none': 'Nothing was used yet.', 'usage.since_start': 'since the start', 'usage.kept': 'as long as the store keeps it',
};
