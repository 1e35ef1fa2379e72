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

{{/* Of the agents' pods: what a DaemonSet selects by never changes, so those of another version are found as well. */}}
{{- define "dynamo-snapshot.agentLabels" -}}
{{ include "dynamo-snapshot.selectorLabels" . }}
app.kubernetes.io/component: agent
{{- end -}}

{{- define "dynamo-snapshot.agentSelector" -}}
{{- $terms := list -}}
{{- range $label, $value := include "dynamo-snapshot.agentLabels" . | fromYaml -}}
{{- $terms = append $terms (printf "%s=%s" $label $value) -}}
{{- end -}}
{{- join "," $terms -}}
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

{{/* Name of what is not in a namespace: releases of the same name in two namespaces have one each. */}}
{{- define "dynamo-snapshot.clusterName" -}}
{{- printf "%s-%s" .Release.Namespace (include "dynamo-snapshot.fullname" .) -}}
{{- end -}}

{{- define "dynamo-snapshot.runtimeRoot" -}}
{{- $roots := dict "containerd" "/var/lib/containerd" "k3s" "/var/lib/rancher/k3s/agent/containerd" "rke2" "/var/lib/rancher/rke2/agent/containerd" -}}
{{- default (get $roots .Values.runtime.preset) .Values.runtime.root -}}
{{- end -}}

{{- define "dynamo-snapshot.socketPath" -}}
{{- $sockets := dict "containerd" "/run/containerd/containerd.sock" "k3s" "/run/k3s/containerd/containerd.sock" "rke2" "/run/k3s/containerd/containerd.sock" -}}
{{- default (get $sockets .Values.runtime.preset) .Values.runtime.socketPath -}}
{{- end -}}

{{- define "dynamo-snapshot.snapshotterDir" -}}
{{- printf "%s/io.containerd.snapshotter.v1.overlayfs" (include "dynamo-snapshot.runtimeRoot" .) -}}
{{- end -}}

{{/* Journals and scratch files of this release's agents on a node; several releases share the node. */}}
{{- define "dynamo-snapshot.stateDir" -}}
{{- printf "%s/%s/%s" .Values.daemonset.statePath .Release.Namespace (include "dynamo-snapshot.fullname" .) -}}
{{- end -}}

{{/* Of a pod that needs nothing but the API server. */}}
{{- define "dynamo-snapshot.harmless" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "dynamo-snapshot.unprivileged" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* Where the operator's image runs, and with which secrets. */}}
{{- define "dynamo-snapshot.operatorPlace" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.operator.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
nodeSelector:
  {{- with .Values.operator.nodeSelector }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  kubernetes.io/os: linux
  kubernetes.io/arch: amd64
{{- with .Values.operator.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
