/** What each reason of a condition or event means, and what a person does about it: docs/reference/reasons.md is made of this. */
import { reason } from './names';

export interface Advice {
  readonly meaning: string;
  readonly remedy: string;
}

const nothing = 'Nothing.';

/** Of the operator. Those that end an operation on a node are in agent-reasons.ts. */
export const operatorReasons: Readonly<Record<string, Advice>> = {
  [reason.jobCreated]: {
    meaning: 'The Job that runs a worker for the capture was created.',
    remedy: nothing,
  },
  [reason.jobCompleted]: {
    meaning: 'The Job ended by itself after its worker had been captured.',
    remedy: nothing,
  },
  [reason.jobFailed]: {
    meaning: 'The Job failed before its worker was captured.',
    remedy:
      'Read the log of its pod: kubectl logs job/NAME. Put the pod template right and create the checkpoint again.',
  },
  [reason.jobDeadlineExceeded]: {
    meaning: 'The worker was not ready to be captured within spec.job.activeDeadlineSeconds.',
    remedy: 'Look at its log for what it waits for; give it more time, or repair what makes it slow.',
  },
  [reason.jobMissing]: {
    meaning: 'The Job was deleted before its worker was captured.',
    remedy: 'Create the checkpoint again, and leave its Job alone.',
  },
  [reason.jobForbidden]: {
    meaning: 'The cluster does not allow the Job: a quota, a policy, or a right that the operator lacks.',
    remedy:
      'The message has the words of the API server. Raise the quota, or make the pod template fit the policy; the Job is tried again by itself.',
  },
  [reason.waitingForSource]: {
    meaning: 'No pod fits spec.source yet, or the one that does is not Ready.',
    remedy:
      'Nothing, if the pod is about to come; else compare spec.source with the labels and the name of the pod.',
  },
  [reason.sourcePodNotFound]: {
    meaning: 'There is no pod of that name in the namespace of the checkpoint.',
    remedy: 'Put spec.source.podName right, or create the pod.',
  },
  [reason.sourcePodGone]: {
    meaning: 'The pod that was to be captured ended meanwhile.',
    remedy: 'Create the checkpoint again when a pod serves; look at why the first one ended.',
  },
  [reason.sourceAmbiguous]: {
    meaning: 'Several pods fit where exactly one was meant.',
    remedy: 'Name the pod, or choose labels that one pod alone has.',
  },
  [reason.targetContainerNotFound]: {
    meaning: 'The pod has no container of that name, or several and none called main.',
    remedy:
      'Name the container: spec.source.containerName, spec.job.targetContainerName, or the annotation nvidia.com/snapshot-target-containers.',
  },
  [reason.captureRequested]: { meaning: 'The agent of the node was told to capture.', remedy: nothing },
  [reason.captureRunning]: {
    meaning: 'The agent is at work; status.progress says how far.',
    remedy: nothing,
  },
  [reason.captureSucceeded]: {
    meaning: 'The pod was captured; it goes on serving, or leaves with its Job.',
    remedy: nothing,
  },
  [reason.captureFailed]: {
    meaning: 'The capture ended without an artifact. The source goes on serving.',
    remedy: "Look at the assignment's own reason: kubectl get snapshotassignments -o wide.",
  },
  [reason.captureRestarted]: {
    meaning: 'An attempt was lost with its node or agent, and another one was begun.',
    remedy: nothing,
  },
  [reason.artifactUnverified]: {
    meaning: 'The agent said that it was done, but its artifact could not be read back.',
    remedy: 'Check the store (space, network file system), then create the checkpoint again.',
  },
  [reason.quiesceFailed]: {
    meaning:
      'A hook of spec.quiesce failed or did not answer before the capture. The worker was woken up again.',
    remedy: "Try the hook by hand; look at the worker's log; raise the timeout of the hook.",
  },
  [reason.wakeFailed]: {
    meaning: 'The hook that wakes a worker after a capture or restore failed.',
    remedy: "Look at the worker's log: it may stand still. Delete the pod if it does not serve.",
  },
  [reason.checkpointReady]: { meaning: 'The artifact was published and read back.', remedy: nothing },
  [reason.checkpointFailed]: {
    meaning: 'There will be no artifact; the message says why.',
    remedy:
      'Repair the cause, then delete and create the checkpoint, or change its annotation nvidia.com/snapshot-recapture.',
  },
  [reason.checkpointExpired]: {
    meaning: 'The time of spec.retention.ttlSecondsAfterReady is over.',
    remedy: 'Create it again if it is still wanted.',
  },
  [reason.duplicateIdentity]: {
    meaning: 'Another checkpoint of the namespace has the same identity; it is named in the message.',
    remedy: 'Use that one, or delete one of the two.',
  },
  [reason.imageDiffers]: {
    meaning: 'The identity is the same, but the container image is another one than that of the artifact.',
    remedy: 'Create a checkpoint of the new image; put what differs into spec.identity.extraParameters.',
  },
  [reason.invalidSpec]: {
    meaning: 'The object cannot be carried out as it is written.',
    remedy: 'The message names the field.',
  },
  [reason.unsupportedBackend]: {
    meaning: 'Workers of that spec.identity.backendFramework cannot be captured yet; the message says why.',
    remedy: 'Use one that can (docs/engines), or generic for a worker that you have tried yourself.',
  },
  [reason.artifactDeleting]: {
    meaning: 'The artifact is being removed from the store before the object goes.',
    remedy: nothing,
  },
  [reason.artifactDeleteFailed]: {
    meaning: 'The artifact could not be removed from the store.',
    remedy: 'Check that an agent runs and that the store can be written; the removal is tried again.',
  },
  [reason.restoreRequested]: {
    meaning: 'The agent of the node was told to restore into the pod.',
    remedy: nothing,
  },
  [reason.restoreRunning]: { meaning: 'The restore is under way.', remedy: nothing },
  [reason.restoreSucceeded]: { meaning: 'The worker goes on from the checkpoint.', remedy: nothing },
  [reason.restoreFailed]: {
    meaning: "The restore failed; the message has nsrestore's or CRIU's own words.",
    remedy:
      'Compare pod and source (image, mounts, memory limit, node). The agent keeps the log of CRIU: kubectl logs of the agent of that node.',
  },
  [reason.checkpointNotFound]: {
    meaning: 'The pod asks for a checkpoint that does not exist in its namespace.',
    remedy: 'Put the annotation nvidia.com/restore-from right, or create the checkpoint.',
  },
  [reason.checkpointNotReady]: {
    meaning: 'The checkpoint exists, but has no artifact (yet).',
    remedy: 'Wait for it, or look at why it is not Ready: kubectl describe checkpoint NAME.',
  },
  [reason.notAPlaceholder]: {
    meaning:
      'The pod asks to be restored, but was made while the admission webhook could not be reached: it runs its own command.',
    remedy: 'See why the operator was not there; delete the pod, and the next one is restored.',
  },
  [reason.commandUnknown]: {
    meaning:
      'The pod names no command, and nobody knows that of its image: a placeholder could not start it cold.',
    remedy: "Write the container's command into the pod template.",
  },
  [reason.unsupportedPod]: {
    meaning: 'No placeholder can be made of such a pod; the message says which field forbids it.',
    remedy: 'Take the field out, or do without a restore.',
  },
  [reason.restoredTooOften]: {
    meaning: 'The restored worker has ended again and again; the last time it was started cold instead.',
    remedy: 'Read the log of the pod for why it ends; if the snapshot is to blame, capture again.',
  },
  [reason.restoreRetried]: {
    meaning: 'A restore has failed for a reason that a second attempt may cure, and is tried again.',
    remedy: nothing,
  },
  [reason.agentMissing]: {
    meaning: 'No agent answers on that node.',
    remedy:
      'kubectl get pods -l app.kubernetes.io/component=agent -o wide; see daemonset.nodeSelector and daemonset.tolerations.',
  },
  [reason.nodeLost]: {
    meaning: 'The node was deleted or is not Ready.',
    remedy: 'Repair the node; pods that were restored elsewhere are not concerned.',
  },
  [reason.deadlineExceeded]: {
    meaning: 'The operation was not done within its time, and was taken back.',
    remedy:
      'Raise spec.capture.timeoutSeconds or spec.restore.timeoutSeconds; look at status.timings for the slow step.',
  },
  [reason.cancelled]: {
    meaning: 'The operation was stopped because it was not wanted any more.',
    remedy: nothing,
  },
};
