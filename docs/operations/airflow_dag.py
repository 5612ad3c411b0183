"""A nightly run as an Airflow DAG.

The date of a run is the day of the gateways' clock that the schedule belongs
to. A retry is the same command: it resumes, and no answered call is paid for
again. Exit code 3 (published, beyond the quality limits) is a success that the
log tells of; 4 (the day's calls are used up) is left for the next schedule.
"""
import pendulum
from airflow import DAG
from airflow.operators.bash import BashOperator

OFFERS = "/srv/offers"

with DAG(
    dag_id="offerlake_nightly",
    schedule="0 2 * * *",
    start_date=pendulum.datetime(2026, 11, 1, tz="Asia/Shanghai"),
    catchup=False,  # a gateway shows today's catalogue, not that of a day that is over
    max_active_runs=1,
    default_args={"retries": 4, "retry_delay": pendulum.duration(minutes=10)},
) as dag:
    # The connection's secrets come from the worker's environment.
    run = BashOperator(
        task_id="run",
        cwd=OFFERS,
        bash_command=(
            "offerlake run jobs/nightly.yaml --progress plain --log-format json"
            " --date {{ data_interval_end.in_timezone('Asia/Shanghai').to_date_string() }}"
            " || code=$?; test ${code:-0} -ne 3 || exit 0; test ${code:-0} -ne 4 || exit 99; exit ${code:-0}"
        ),
        skip_on_exit_code=99,
    )
    verify = BashOperator(
        task_id="verify",
        cwd=OFFERS,
        bash_command="offerlake verify out/nightly/parquet",
    )
    run >> verify
