throw new RangeError('the database is down')
