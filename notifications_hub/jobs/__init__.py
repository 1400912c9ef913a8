"""Jobs: tasks whose state is a row, and whose progress bar on a page always ends.

    @job_task
    def report(job, year):
        for done, row in enumerate(rows, 1):
            job.progress(done, len(rows), "Reading the orders")
        return Done(url="/reports/9.csv")

    start(report.s(2026), owner=request.user, title="Report 2026", url="/reports/")

Two engines run them: Django's own task framework (`job_task`), or Celery (`HubTask`). The modules of each are imported
only if it is used, so this app also works on a site that has neither.
"""
