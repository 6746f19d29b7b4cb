/** SQL over the table `restorations`, saved in Athena for whoever opens it there. */
export const savedQueries = {
  StatusByDay: {
    name: 'Status by day',
    description: 'How many were restored, left unchanged, and failed',
    sql: `SELECT "date", status, count(*) AS images
FROM restorations
GROUP BY "date", status
ORDER BY "date" DESC, status`,
  },
  GainByDay: {
    name: 'Gain by day',
    description: 'How much better restored pictures became, by the learned score that decided',
    sql: `SELECT "date", metric, count(*) AS images, avg("before") AS mean_before, avg("after") AS mean_after, avg(gain) AS mean_gain
FROM restorations
WHERE status = 'succeeded' AND gain IS NOT NULL
GROUP BY "date", metric
ORDER BY "date" DESC, metric`,
  },
  FailuresByCode: {
    name: 'Failures by code',
    description: 'What failed in the last 30 days, whose fault it was, and one picture to look at',
    sql: `SELECT fault, code, count(*) AS images, max_by("key", created) AS newest
FROM restorations
WHERE status = 'failed' AND "date" >= date_format(current_date - INTERVAL '30' DAY, '%Y-%m-%d')
GROUP BY fault, code
ORDER BY images DESC`,
  },
  Slowest: {
    name: 'Slowest',
    description: 'The pictures of the last 30 days that took longest, with their size',
    sql: `SELECT "key", seconds, predict_seconds, pixels, tiles, device, model
FROM restorations
WHERE seconds IS NOT NULL AND "date" >= date_format(current_date - INTERVAL '30' DAY, '%Y-%m-%d')
ORDER BY seconds DESC
LIMIT 100`,
  },
  MostWorsened: {
    name: 'Most worsened',
    description:
      'Pictures of the last 30 days whose restoration was worst against the original, delivered or not: look at them before you trust a new model',
    sql: `SELECT "key", model, gain, "before", "after", reason, status, result_key
FROM restorations
WHERE gain IS NOT NULL AND "date" >= date_format(current_date - INTERVAL '30' DAY, '%Y-%m-%d')
ORDER BY gain
LIMIT 100`,
  },
  WorstFaces: {
    name: 'Worst faces',
    description:
      'Pictures of the last 30 days by the face in them that came out worst: its score, what became of it, and how many were restored',
    sql: `SELECT "key", worst_face, worst_face_status, faces, faces_restored, metric, reason, result_key
FROM restorations
WHERE worst_face IS NOT NULL AND "date" >= date_format(current_date - INTERVAL '30' DAY, '%Y-%m-%d')
ORDER BY worst_face
LIMIT 100`,
  },
} as const;
