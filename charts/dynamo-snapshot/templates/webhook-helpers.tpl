{{- /* Name of both webhook configurations: they are cluster-wide, and releases of several namespaces live side by side. */ -}}
{{- define "dynamo-snapshot.webhookConfiguration" -}}
{{- printf "%s-%s" .Release.Namespace (include "dynamo-snapshot.fullname" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "dynamo-snapshot.webhookService" -}}
{{- printf "%s-webhook" (include "dynamo-snapshot.fullname" .) -}}
{{- end -}}

{{- define "dynamo-snapshot.webhookSecret" -}}
{{- printf "%s-webhook" (include "dynamo-snapshot.fullname" .) -}}
{{- end -}}

{{- /* Environment of the operator's container. */ -}}
{{- define "dynamo-snapshot.webhookEnv" -}}
{{- if .Values.webhook.enabled -}}
- name: WEBHOOK_SERVICE
  value: {{ include "dynamo-snapshot.webhookService" . }}
- name: WEBHOOK_SECRET
  value: {{ include "dynamo-snapshot.webhookSecret" . }}
- name: WEBHOOK_CONFIGURATION
  value: {{ include "dynamo-snapshot.webhookConfiguration" . }}
- name: WEBHOOK_PORT
  value: '9443'
- name: STANDBY_IMAGE
  value: {{ include "dynamo-snapshot.agentImage" . }}
- name: STANDBY_PULL_POLICY
  value: {{ .Values.image.agent.pullPolicy }}
- name: PLACEHOLDER_SECCOMP_PROFILE
  value: {{ .Values.webhook.seccompProfile | quote }}
{{- if .Values.webhook.standbyConfigMap }}
- name: STANDBY_PROGRAM
  value: /opt/dynamo-snapshot/standby
{{- end }}
{{- end -}}
{{- end -}}

{{- /* The names of the ConfigMaps with standby, by the first digit of what they hold (api/src/names.ts). */ -}}
{{- define "dynamo-snapshot.standbyConfigMaps" -}}
{{- $names := list -}}
{{- range $digit := splitList "" "0123456789abcdef" -}}
{{- $names = append $names (printf "dynamo-snapshot-standby-%s" $digit) -}}
{{- end -}}
{{- toYaml $names -}}
{{- end -}}

{{- /* Which namespaces the API server asks about. */ -}}
{{- define "dynamo-snapshot.webhookNamespaces" -}}
matchExpressions:
  {{- if .Values.rbac.namespaceRestricted }}
  - { key: kubernetes.io/metadata.name, operator: In, values: [{{ .Release.Namespace }}] }
  {{- else }}
  - { key: kubernetes.io/metadata.name, operator: NotIn, values: [kube-system, kube-public, kube-node-lease] }
  {{- end }}
{{- end -}}
