#!/usr/bin/env bash
# Checks a running deployment, endpoint by endpoint: scripts/test_endpoints.sh BASE_URL CLIENT_KEY ADMIN_KEY
#
# Needs only curl. Sends a few short requests to MODEL (default: gpt-4o) and changes nothing.
set -uo pipefail

if [ $# -ne 3 ]; then
  echo "usage: $0 BASE_URL CLIENT_KEY ADMIN_KEY" >&2
  exit 2
fi
readonly BASE="${1%/}" CLIENT_KEY="$2" ADMIN_KEY="$3" MODEL="${MODEL:-gpt-4o}"
failures=0
answer=$(mktemp)
headers=$(mktemp)
trap 'rm -f "$answer" "$headers"' EXIT

fail() {
  echo "✗ $1: $2"
  failures=$((failures + 1))
}

# check NAME STATUS WORDS METHOD PATH KEY [BODY]
check() {
  local name=$1 status=$2 words=$3 method=$4 path=$5 key=$6 body=${7:-} code
  local arguments=(-sS -o "$answer" -D "$headers" -w '%{http_code}' -X "$method" --max-time 120)
  if [ -n "$key" ]; then arguments+=(-H "Authorization: Bearer $key"); fi
  if [ -n "$body" ]; then arguments+=(-H 'Content-Type: application/json' -d "$body"); fi
  code=$(curl "${arguments[@]}" "$BASE$path" 2>/dev/null)
  if [ "$code" != "$status" ]; then
    fail "$name" "status $code instead of $status: $(head -c 300 "$answer")"
  elif ! grep -q -- "$words" "$answer"; then
    fail "$name" "no \`$words\` in: $(head -c 300 "$answer")"
  elif ! grep -qi '^x-request-id: ' "$headers"; then
    fail "$name" 'no x-request-id'
  else
    echo "✓ $name"
  fi
}

readonly SAY='"messages":[{"role":"user","content":"Say hello."}]'
readonly CHAT="{\"model\":\"$MODEL\",$SAY}"
readonly STREAM="{\"model\":\"$MODEL\",\"stream\":true,$SAY}"
readonly CONTENTS='{"contents":[{"parts":[{"text":"Say hello."}]}]}'
readonly SPEECH='{"model":"tts-1","input":"Hello.","voice":"alloy","response_format":"wav"}'
readonly RESPONSE="{\"model\":\"$MODEL\",\"store\":false,\"input\":\"Say hello.\"}"
readonly MESSAGE="{\"model\":\"$MODEL\",\"max_tokens\":2000,$SAY}"
readonly COMPLETION="{\"model\":\"$MODEL\",\"prompt\":\"Once upon a\"}"
readonly EMPTY="{\"model\":\"$MODEL\",\"messages\":[]}"

check 'service info' 200 '"gemini-adapter"' GET / ''
check 'health' 200 '"usable"' GET /health ''
check 'liveness' 200 'ok' GET /livez ''
check 'readiness' 200 'ok' GET /readyz ''
check 'models' 200 '"list"' GET /v1/models "$CLIENT_KEY"
check 'a single model' 200 '"model"' GET "/v1/models/$MODEL" "$CLIENT_KEY"
check 'chat' 200 '"finish_reason":"stop"' POST /v1/chat/completions "$CLIENT_KEY" "$CHAT"
check 'chat, streamed' 200 'data: \[DONE\]' POST /v1/chat/completions "$CLIENT_KEY" "$STREAM"
check 'chat without /v1' 200 '"chat.completion"' POST /chat/completions "$CLIENT_KEY" "$CHAT"
check 'an invalid request names its field' 400 '"param":"messages"' POST /v1/chat/completions "$CLIENT_KEY" "$EMPTY"
check 'chat needs a key' 401 '"error"' POST /v1/chat/completions '' "$CHAT"
check 'chat needs the right key' 401 'invalid_api_key' POST /v1/chat/completions wrong-key-00000000000000 "$CHAT"
check 'embeddings' 200 '"embedding"' POST /v1/embeddings "$CLIENT_KEY" '{"model":"gemini-embedding-001","input":"hello"}'
check 'image' 200 '"b64_json"' POST /v1/images/generations "$CLIENT_KEY" '{"model":"gpt-image-1","prompt":"a cat"}'
check 'speech' 200 'RIFF' POST /v1/audio/speech "$CLIENT_KEY" "$SPEECH"
check 'transcription needs a file' 400 '"param":"file"' POST /v1/audio/transcriptions "$CLIENT_KEY" '{"model":"whisper-1"}'
check 'native' 200 '"candidates"' POST "/v1beta/models/$MODEL:generateContent" "$CLIENT_KEY" "$CONTENTS"
check 'native, streamed' 200 'data: ' POST "/v1beta/models/$MODEL:streamGenerateContent?alt=sse" "$CLIENT_KEY" "$CONTENTS"
check 'native errors' 404 'NOT_FOUND' POST "/v1beta/models/$MODEL:sing" "$CLIENT_KEY" "$CONTENTS"
check 'native models' 200 '"models/' GET /v1beta/models "$CLIENT_KEY"
check 'native files' 200 '{' GET /v1beta/files "$CLIENT_KEY"
check 'responses' 200 '"completed"' POST /v1/responses "$CLIENT_KEY" "$RESPONSE"
check 'messages' 200 '"end_turn"' POST /v1/messages "$CLIENT_KEY" "$MESSAGE"
check 'count_tokens' 200 '"input_tokens"' POST /v1/messages/count_tokens "$CLIENT_KEY" "$CHAT"
check 'legacy completions' 200 '"text_completion"' POST /v1/completions "$CLIENT_KEY" "$COMPLETION"
check 'stats' 200 '"uptime_seconds"' GET /stats "$CLIENT_KEY"
check 'stats needs a key' 401 '"error"' GET /stats ''
check 'metrics' 200 'gemini_adapter_' GET /metrics "$CLIENT_KEY"
check 'metrics needs a key' 401 '"error"' GET /metrics ''
check 'keys' 200 '"pools"' GET /admin/keys "$ADMIN_KEY"
check 'recent requests' 200 '"over"' GET /admin/requests "$ADMIN_KEY"
check 'usage' 200 '"clients"' GET /admin/usage "$ADMIN_KEY"
check 'the dashboard' 200 'page/app.js' GET /admin/ ''
check 'configuration' 200 '"settings"' GET /admin/config "$ADMIN_KEY"
check 'what a reload would change' 200 '"changes"' POST /admin/config/trial "$ADMIN_KEY"
check 'configuration history' 200 '"generations"' GET /admin/config/history "$ADMIN_KEY"
check 'reload' 200 '"generation"' POST /admin/reload "$ADMIN_KEY"
check 'resetting an unknown key' 404 '"error"' POST /admin/reset-key/no-such-key "$ADMIN_KEY"
check 'admin needs an admin key' 403 '"error"' GET /admin/keys "$CLIENT_KEY"
check 'unknown path' 404 'unknown_url' GET /no/such/path "$CLIENT_KEY"
check 'unknown method' 405 'method_not_allowed' DELETE /v1/models "$CLIENT_KEY"

if [ "$failures" -gt 0 ]; then
  echo "$failures failed"
  exit 1
fi
echo 'all endpoints answer as expected'
