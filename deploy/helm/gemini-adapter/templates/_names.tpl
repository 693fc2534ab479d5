{{- define "gemini-adapter.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 63 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" }}{{ end -}}
{{- end }}

{{- define "gemini-adapter.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "gemini-adapter.labels" -}}
{{ include "gemini-adapter.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "gemini-adapter.secret" -}}
{{- if .Values.existingSecret }}{{ .Values.existingSecret }}{{ else if .Values.secret }}{{ include "gemini-adapter.name" . }}{{ else }}{{ fail "set existingSecret (a Secret with GEMINI_API_KEYS and SECURITY_ADAPTER_API_KEYS), or secret" }}{{ end -}}
{{- end }}

{{- define "gemini-adapter.scheme" -}}
{{- if .Values.tls.existingSecret }}HTTPS{{ else }}HTTP{{ end -}}
{{- end }}

{{- define "gemini-adapter.port" -}}
{{- .Values.service.port | default (ternary 443 80 (ne .Values.tls.existingSecret "")) -}}
{{- end }}
