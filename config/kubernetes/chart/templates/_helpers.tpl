{{/* The name of nearly everything: the release's. */}}
{{- define "penstock.name" -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{/* What selects the Pods. It can never change, so it holds nothing of a version. */}}
{{- define "penstock.selector" -}}
app.kubernetes.io/name: penstock
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "penstock.labels" -}}
{{ include "penstock.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{- define "penstock.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (include "penstock.name" .) -}}
{{- end -}}

{{- define "penstock.priorityClass" -}}
{{- .Values.priorityClass.name | default (ternary (include "penstock.name" .) "" .Values.priorityClass.create) -}}
{{- end -}}

{{- define "penstock.image" -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}

{{/* The subjects of every binding. */}}
{{- define "penstock.subjects" -}}
- kind: ServiceAccount
  name: {{ include "penstock.serviceAccount" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}

{{/* Those of data planes that are made for single Gateways: every ServiceAccount of the namespace. */}}
{{- define "penstock.dataPlanes" -}}
- apiGroup: rbac.authorization.k8s.io
  kind: Group
  name: system:serviceaccounts:{{ .Release.Namespace }}
{{- end -}}

{{/* The rule on what holds certificates, for one place or for all. */}}
{{- define "penstock.secretRule" -}}
- apiGroups: [""]
  resources: [secrets, configmaps]
  verbs: [get, list, watch]
{{- end -}}

{{/* Options about names outside: of the controller, whose statuses speak of them, and of every data plane. */}}
{{- define "penstock.externalNames" -}}
{{- if .Values.externalNames.allow }}
- --allow-external-name
{{- end }}
{{- with .Values.externalNames.allowedRanges }}
- --allow-external-ranges={{ join "," . }}
{{- end }}
{{- with .Values.externalNames.deniedRanges }}
- --deny-external-ranges={{ join "," . }}
{{- end }}
{{- end -}}
