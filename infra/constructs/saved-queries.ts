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
} as const;
