// 简体中文。名称与 `en.js` 相同。
export default {
  'login.key': '管理密钥', 'login.about': 'auth.admin_keys 中的任意一个。只保存在此标签页中，直到关闭标签页。', 'login.enter': '打开控制台',
  'login.wrong': '这不是本服务器的管理密钥。', 'login.unreachable': '服务器没有响应。', leave: '退出',
  'theme.dark': '深色', 'theme.light': '浅色', screens: '页面', close: '关闭', look: '查看', now: '现在', ago: '{time}前', key: '密钥',
  shortcuts: '键盘快捷键', 'shortcuts.about': 'Alt 1 至 Alt 8：依次切换页面。Alt K：显示本说明。Tab、Enter、Escape 照常使用。',
  'feed.live': '实时', 'feed.lost': '正在连接…', 'feed.refused': '被拒绝', running: '{version} · 已运行 {since}',
  'screen.overview': '总览', 'screen.keys': '密钥', 'screen.requests': '请求', 'screen.latency': '延迟', 'screen.config': '配置',
  'screen.plugins': '插件', 'screen.playground': '翻译器', 'screen.usage': '用量',

  'banner.together': '多个密钥同时出现故障。', 'banner.together.about': '密钥池“{pool}”的 {of} 个密钥中有 {hit} 个在十秒内进入冷却（{why}）。多半不是密钥本身的问题：请检查整个项目或本机 IP 的限额。',
  'banner.refused': '最近一次配置修改被拒绝。', 'banner.refused.about': '之前的配置仍在生效。',

  'tile.rate': '每分钟请求', 'tile.rate.about': '累计 {n}', 'tile.success': '完整应答率', 'tile.success.about': '客户端 {client} · 服务端 {server}',
  'tile.duration': '耗时中位数', 'tile.first': '首字中位数', 'tile.first.none': '尚无流式请求', 'tile.tokens': '每分钟 token',
  'tile.live': '进行中', 'tile.live.about': '{n} 个正在流式输出',
  'overview.traffic': '最近五分钟流量', 'overview.traffic.about': '最近五分钟共 {n} 个请求', 'overview.answered': '已应答', 'overview.client': '客户端错误', 'overview.server': '服务端错误',
  'overview.models': '按模型', 'overview.first': '首字', 'overview.faults': '尝试失败的原因', 'overview.faults.of': '最近的请求', 'overview.faults.none': '没有失败。', 'overview.recent': '最新请求', 'overview.all': '查看全部',

  'first.title': '还没有任何请求', 'first.about': '让一个客户端指向本服务器，它的请求会立刻显示在这里。', 'first.clients': '客户端', 'first.more': '更多客户端：',

  'keys.filter': '筛选密钥', 'keys.of': '密钥池 {pool}', 'keys.about': '每行一个密钥，每列一个模型。', 'keys.counts': '可用 {usable} / {total} · 冷却 {resting} · 失效 {dead} · 停用 {disabled}',
  'state.ready': '可用', 'state.resting': '冷却中', 'state.probing': '试探中', 'state.dead': '失效', 'state.disabled': '停用', 'state.idle': '尚未使用',
  'short.probing': '试探', 'short.disabled': '停用', 'short.dead': '失效', 'short.resting': '冷却', 'short.ready': '可用',
  'short.key_invalid': '无效', 'short.key_blocked': '被封', 'short.location': '地区', 'short.billing': '欠费', 'short.rate_limited': '限速', 'short.day_quota': '日限额',
  'short.model_not_for_key': '无权限', 'short.overloaded': '过载', 'short.upstream_error': '错误', 'short.unreachable': '网络', 'short.timeout': '超时', 'short.broken_answer': '损坏', 'short.truncated': '截断', 'short.unknown': '未知',
  'key.id': '编号', 'key.project': '项目', 'key.state': '状态', 'key.whole': '整个密钥', 'key.why': '原因', 'key.quota': '限额', 'key.until': '直到', 'key.strikes': '连续冷却次数',
  'key.last_fault': '最近故障', 'key.requests': '请求', 'key.failures': '失败', 'key.in_flight': '进行中', 'key.today': '今日', 'key.today.about': '今日 {requests} 个请求，{tokens} 个 token', 'key.shares': '可能共享限额',
  'key.reset.model': '恢复此模型', 'key.reset': '恢复密钥', 'key.disable': '停用', 'key.enable': '启用', 'key.test': '向 Google 测试',
  'key.accepted': 'Google 接受此密钥：可用 {n} 个模型。', 'key.refused': 'Google 拒绝此密钥：{why}。',
  'key.done.reset': '密钥 {key} 已恢复。', 'key.done.disable': '密钥 {key} 已停用。', 'key.done.enable': '密钥 {key} 已启用。',

  'why.ok': '已应答', 'why.bad_request': '请求有误', 'why.context_length': 'token 过多', 'why.withheld': '回答被拦截', 'why.model_not_found': '模型不存在', 'why.model_not_for_key': '密钥无权使用此模型', 'why.not_owned': '属于其他项目',
  'why.key_invalid': '密钥无效或过期', 'why.key_blocked': '密钥被封', 'why.location': '地区不允许', 'why.billing': '账户欠费', 'why.rate_limited': '每分钟限额', 'why.day_quota': '每日限额',
  'why.overloaded': '模型过载', 'why.upstream_error': 'Google 内部错误', 'why.unreachable': '无法连接', 'why.timeout': '超时', 'why.broken_answer': '回答损坏', 'why.truncated': '回答被截断', 'why.unknown': '未知故障',
  'rest.key': '密钥冷却 {s}', 'rest.quota': '密钥与模型冷却 {s}', 'rest.model': '模型冷却 {s}', 'rest.ever': '直到手动恢复',

  'phase.accepted': '已接收', 'phase.attempt': '第 {n} 次尝试', 'phase.retrying': '重试中', 'phase.answering': '应答中', 'phase.streaming': '流式输出', 'phase.left': '客户端已断开',
  'requests.filter': '筛选请求', 'requests.kind': '显示哪些请求', 'requests.all': '全部', 'requests.live': '进行中', 'requests.failed': '失败', 'requests.retried': '重试过', 'requests.pause': '暂停', 'requests.none': '没有请求。', 'requests.count': '进行中 {live} · 已结束 {over}',
  'request.title': '请求 {id}', 'request.open': '{words}：{asked}', 'request.id': '编号', 'request.time': '时间', 'request.at': '到达', 'request.status': '状态', 'request.client': '客户端', 'request.asked': '请求模型', 'request.stream': '流式', 'request.model': '模型', 'request.spent': '耗时分布',
  'request.cache': '应答缓存', 'request.first': '首字', 'request.duration': '耗时', 'request.tokens': 'Token', 'request.tokens.about': '输入 {prompt}，输出 {completion}', 'request.plugins': '插件', 'request.tries': '尝试', 'request.outcome': '结果', 'request.rest': '随后的冷却',
  'request.capsule': '下载复现包', 'request.no_capsule': '内容未保存：telemetry.capsules 为 0，或请求时间太久。',
  'span.arrived': '到达', 'span.arrived.about': '直到收到整个请求', 'span.attempt': '尝试 {n}', 'span.stream': '流式', 'span.stream.about': '向客户端写出 {n} 次',

  'latency.table': '各模型百分位', 'latency.answers': '回答', 'latency.first': '首字延迟', 'latency.duration': '总耗时', 'latency.none': '还没有回答。', 'latency.no_streams': '尚无流式输出。',

  'config.live': '当前生效', 'config.generation': '第 {n} 代', 'config.hash': '哈希', 'config.file': '文件', 'config.built_in': '内置', 'config.loaded': '加载于', 'config.history': '历史', 'config.is_live': '生效中',
  'config.trial': '将会改变什么？', 'config.reload': '立即重新加载', 'config.would_change': '重新加载将会改变', 'config.would_refuse': '重新加载将被拒绝', 'config.no_changes': '没有变化。', 'config.reloaded': '第 {n} 代已生效。', 'config.same': '没有任何变化。',
  'config.refused': '被拒绝', 'config.refused.about': '此修改没有生效。修正之前，仍使用之前的配置。', 'config.last_good': '启动时的配置被拒绝：以最近一次接受的配置代替。', 'config.error': '错误', 'config.warning': '警告', 'config.flag': '命令行',
  'config.rollback': '回退', 'config.rollback.title': '回退到第 {n} 代？', 'config.rollback.about': '文件将写回当时的内容并加载。占用位置的文件会改名保留，不会丢失。',

  'plugins.title': '插件（按顺序）', 'plugins.none': '没有加载插件。', 'plugins.order': '#', 'plugins.plugin': '插件', 'plugins.state': '状态', 'plugins.hook': '钩子', 'plugins.calls': '调用', 'plugins.errors': '错误', 'plugins.spent': '总耗时',
  'plugins.live': '生效', 'plugins.shadow': '影子', 'plugins.off': '已关闭', 'plugins.try': '试一个请求', 'plugins.request': '聊天请求', 'plugins.run': '运行', 'plugins.outcome': '每个插件的效果', 'plugins.try.about': '运行左侧的请求：不会调用任何模型。',
  'plugins.untouched': '没有插件改动它。', 'plugins.replied': '由插件直接回答：', 'plugins.goes_to': '发往 {model}，密钥池 {pool}。',

  'playground.about': '请求在发往 Gemini 的途中如何被翻译，包括插件和别名。不会调用任何模型，也不消耗限额。', 'playground.endpoint': '端点', 'playground.left': '请求', 'playground.right': 'Gemini 请求', 'playground.fields': '每个字段的结果', 'playground.none': '没有可说明的。',
  'playground.field': '字段', 'playground.verdict': '结论', 'playground.why': '原因', 'playground.param': '字段', 'playground.code': '代码',
  'verdict.kept': '保留', 'verdict.renamed': '改名', 'verdict.clamped': '收窄', 'verdict.emulated': '模拟', 'verdict.dropped': '丢弃', 'verdict.refused': '拒绝',

  'usage.by.client': '按客户端', 'usage.by.model': '按模型', 'usage.by.day': '按日期', 'usage.by.key': '按密钥', 'usage.client': '客户端', 'usage.model': '模型', 'usage.day': '日期', 'usage.key': '密钥', 'usage.requests': '请求', 'usage.failures': '失败', 'usage.prompt': '输入', 'usage.completion': '输出', 'usage.tokens': 'Token',
  'usage.none': '还没有用量。', 'usage.since_start': '自本进程启动起', 'usage.kept': '存储保留期内',
};
