"""Jobs: Celery tasks whose state is a row, and whose progress bar on a page always ends.

    @shared_task(base=HubTask, bind=True)
    def report(self, year):
        for done, row in enumerate(rows, 1):
            self.progress(done, len(rows), "Reading the orders")
        return Done(url="/reports/9.csv")

    job = start(report.s(2026), owner=request.user, title="Report 2026", url="/reports/")

Only the worker's modules import Celery, so this app also works on a site without it.
"""
