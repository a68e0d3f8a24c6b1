-- The one heavy statement: usage records to day cells.
--
-- Everything after this reads cells. No price, no owner, no decimals, no regular expression here:
-- whole numbers are summed, so any engine that runs this statement gives the same cells. It is
-- written for DuckDB and translated for others.
--
-- usage:  live records of some days (day, ingestor and the columns of the usage schema)
-- bounds: provider, platform, model_raw -> sorted lower bounds of the prompt tiers of its rates
-- cuts:   provider, platform, day -> sorted instants inside that day at which a price changes
WITH placed AS (
    SELECT
        u.*,
        u.grain = 'request' AS per_request,
        CASE WHEN u.grain = 'request' AND u.prompt_tokens IS NOT NULL AND b.bounds IS NOT NULL
            THEN coalesce(list_max(list_filter(b.bounds, lambda t: t <= u.prompt_tokens)), 0)
        END AS prompt_lo,
        CASE WHEN u.grain = 'request' AND u.prompt_tokens IS NOT NULL AND b.bounds IS NOT NULL
            THEN list_min(list_filter(b.bounds, lambda t: t > u.prompt_tokens)) - 1
        END AS prompt_hi,
        CAST(u.day AS TIMESTAMP) AS day_start,
        CAST(u.day AS TIMESTAMP) + INTERVAL 1 DAY AS day_end,
        CAST(u.start AS TIMESTAMP) AS used_from,
        -- A request is rated at the instant it began; a bucket over all of its stretch.
        CAST(coalesce(u."end", u.start) AS TIMESTAMP) AS used_to,
        c.cuts
    FROM usage u
    LEFT JOIN bounds b
        ON b.provider = u.provider AND b.platform = u.platform AND b.model_raw = u.model_raw
    LEFT JOIN cuts c
        ON c.provider = u.provider AND c.platform = u.platform AND c.day = u.day
)
SELECT
    day, {record}, prompt_lo, prompt_hi,
    CASE WHEN cuts IS NULL THEN day_start
        ELSE coalesce(list_max(list_filter(cuts, lambda t: t <= used_from)), day_start)
    END AS segment_start,
    CASE WHEN per_request AND cuts IS NULL THEN day_end
        WHEN per_request
        THEN coalesce(list_min(list_filter(cuts, lambda t: t > used_from)), day_end)
        WHEN cuts IS NULL THEN greatest(day_end, used_to)
        ELSE greatest(
            coalesce(list_min(list_filter(cuts, lambda t: t >= used_to)), day_end), used_to
        )
    END AS segment_end,
    CASE WHEN per_request THEN false
        ELSE used_to > day_end OR cuts IS NOT NULL
            AND array_length(list_filter(cuts, lambda t: t > used_from AND t < used_to)) > 0
    END AS straddles,
    {identity}, {reported},
    -- A provider's own bill is charged as it stands; its currency is part of the rating key.
    CASE WHEN reported_kind = 'billed' THEN reported_currency END AS billed_currency,
    {measures}
FROM placed{other_meters}
GROUP BY ALL
