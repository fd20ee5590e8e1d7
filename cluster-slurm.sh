#!/bin/bash
# A study on several nodes of Slurm, as one Ray cluster that lives as long as the job. Change the lines marked HERE, then
#
#   sbatch cluster-slurm.sh                submit it again, and it goes on
#   caviar status runs/ghost-size          from the login node
#
# Where every node can do its part alone, array jobs with `caviar run --shard` are simpler and need no Ray:
# docs/cluster/slurm.md has both.
#SBATCH --job-name=caviar
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --exclusive
#SBATCH --time=12:00:00
#SBATCH --signal=B:USR1@120
#SBATCH --requeue
#SBATCH --open-mode=append
# --exclusive: `ray stop` stops every Ray of yours on a node, also that of another job.
# --signal: two minutes before the time is up, this script tells the driver to commit and stop.
set -euo pipefail

export PATH="$HOME/caviar-venv/bin:$PATH"                             # HERE: where caviar is installed
study=${STUDY:-studies/ghost-size.toml}                               # HERE
out=${OUT:-$PWD/runs/ghost-size}                                      # HERE: a place that this node will see again

# Other users reach the ports of these nodes, so nobody enters without this job's token.
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN RAY_USAGE_STATS_ENABLED=0
RAY_AUTH_TOKEN=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1
# A node that is cut off is given up after about 20 s, and ends itself as soon; all have five minutes to start.
export RAY_health_check_period_ms=3000 RAY_health_check_timeout_ms=3000 RAY_health_check_failure_threshold=3
export RAY_gcs_rpc_server_reconnect_timeout_s=20 RAY_SYMMETRIC_RUN_CLUSTER_WAIT_TIMEOUT=300

# This script and the driver run on the first node. Its address is the one that its name has on the network.
name=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
ip=$({ getent ahostsv4 "$name"; hostname --all-ip-addresses | tr ' ' '\n'; } | awk '$1 && $1 !~ /^127\./ {print $1; exit}')
address=$ip:$((20000 + SLURM_JOB_ID % 10000))
driver=$(mktemp)                                                      # the driver's process number
trap 'rm -f "$driver"' EXIT
trap 'kill -USR1 "$(cat "$driver")"' USR1

srun --ntasks-per-node=1 ray symmetric-run --address "$address" --min-nodes "$SLURM_JOB_NUM_NODES" \
  --num-cpus "$SLURM_CPUS_PER_TASK" -- \
  bash -c 'echo $$ > "$1"; shift; exec "$@"' driver "$driver" \
  caviar run "$study" --on ray --address "$address" --out "$out" --exit-zero-when-finished &

code=138
while [ "$code" -eq 138 ]; do                                         # 138: the signal ended the wait, not the run
  code=0
  wait $! || code=$?
done
# Told to stop, with everything committed: the same job goes on when there is room.
[ "$code" -ne 130 ] || scontrol requeue "$SLURM_JOB_ID"
exit "$code"
