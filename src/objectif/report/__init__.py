"""Pages and pictures of a run, written without torch: report.html, and a leaderboard as one SVG.

report.page.write(RunFolder) writes the page; report.picture.picture(Result) draws the leaderboard.
"""
