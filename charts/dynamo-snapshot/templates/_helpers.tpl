{{- define "dynamo-snapshot.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "dynamo-snapshot.fullname" -}}
{{- $name := include "dynamo-snapshot.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "dynamo-snapshot.selectorLabels" -}}
app.kubernetes.io/name: {{ include "dynamo-snapshot.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "dynamo-snapshot.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "dynamo-snapshot.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "dynamo-snapshot.operatorAccount" -}}
{{- default (printf "%s-operator" (include "dynamo-snapshot.fullname" .)) .Values.serviceAccount.operatorName -}}
{{- end -}}

{{- define "dynamo-snapshot.agentAccount" -}}
{{- default (printf "%s-agent" (include "dynamo-snapshot.fullname" .)) .Values.serviceAccount.agentName -}}
{{- end -}}

{{- define "dynamo-snapshot.watchNamespace" -}}
{{- if .Values.rbac.namespaceRestricted }}{{ .Release.Namespace }}{{ end -}}
{{- end -}}

{{- define "dynamo-snapshot.agentImage" -}}
{{- printf "%s:%s" .Values.image.agent.repository (default .Chart.AppVersion .Values.image.agent.tag) -}}
{{- end -}}

{{- define "dynamo-snapshot.operatorImage" -}}
{{- printf "%s:%s" .Values.image.operator.repository (default .Chart.AppVersion .Values.image.operator.tag) -}}
{{- end -}}

{{- define "dynamo-snapshot.snapshotterDir" -}}
{{- printf "%s/io.containerd.snapshotter.v1.overlayfs" .Values.runtime.root -}}
{{- end -}}
