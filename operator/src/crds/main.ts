/** The program of the chart's hook: brings the CustomResourceDefinitions to our version, or says why not. */
import { explain } from '@dynamo-snapshot/api/errors';
import { fieldManager } from '@dynamo-snapshot/api/names';
import { Api } from '@dynamo-snapshot/controller/api';
import { logger } from '@dynamo-snapshot/controller/log';
import { connect } from '@dynamo-snapshot/controller/process';
import { upgrade } from './upgrade';

const log = logger('info', 'crds');

upgrade(new Api(connect(), fieldManager.operator), process.env['ADOPT'] === 'true', log).catch(
  (error: unknown) => {
    log.error(explain(error));
    process.exitCode = 1;
  },
);
