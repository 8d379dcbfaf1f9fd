/* log_dir.h - the one data directory, which Kafka calls a log directory. */
#ifndef API_LOG_DIR_H
#define API_LOG_DIR_H

#include "net/request.h"

/* Its absolute path, in rq->arena. */
struct slice log_dir_path(struct request *rq);

#endif
