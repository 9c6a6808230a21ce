"""What operators see: metrics and the access log.

catalog      every metric, declared once; exposition: all of them, of all processes, as text
metrics      plain numbers in shared memory, that workers count in
config, controller, names, processes    what the control process counts itself
live         which objects there are, so that series of others can go
access_log   a line for each request; log: the process log
"""
