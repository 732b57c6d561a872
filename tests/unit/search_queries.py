"""What readers type into the search box, under the one page that must come first.

Written before the ranking was tuned, by what each page is about: the chapter on it, the section
that teaches it, the study that uses it, the page of that name. HELD_OUT was never tuned to; its
test prints how many come first and asks for less.
"""

TUNED = {
    "book/downloads": ["download", "下载数据"],
    "book/extend": ["add my own data"],
    "book/glossary": ["glossary", "术语表"],
    "book/index": ["how to cite", "如何引用"],
    "book/provinces/guangdong": ["Guangdong", "广东", "广东省"],
    "book/provinces/inner-mongolia": ["内蒙古自治区"],
    "book/provinces/tibet": ["Xizang", "西藏"],
    "notebooks/comparison/baseline": ["circularity"],
    "notebooks/comparison/certainty": ["rank uncertainty"],
    "notebooks/comparison/identification": ["instrumental variable", "工具变量"],
    "notebooks/comparison/multiverse": ["specification curve"],
    "notebooks/comparison/reform": [
        "双重差分",
        "事件研究",
        "平行趋势",
        "difference-in-differences",
    ],
    "notebooks/comparison/thresholds": ["threshold regression", "门槛效应", "中介效应"],
    "notebooks/data/quality": ["Tibet missing data", "数据缺失", "平减"],
    "notebooks/dynamics/clusters": ["莫兰指数"],
    "notebooks/dynamics/convergence": ["club convergence", "收敛", "converg"],
    "notebooks/dynamics/densities": ["kernel density", "核密度估计"],
    "notebooks/dynamics/forecast": ["forecast 2025", "预测"],
    "notebooks/dynamics/gaps": ["Dagum Gini", "泰尔指数"],
    "notebooks/dynamics/spillovers": ["spatial Durbin", "空间杜宾模型"],
    "notebooks/dynamics/transitions": ["马尔可夫链"],
    "notebooks/explore/explorer": ["explorer"],
    "notebooks/index/by-hand": ["entropy weight TOPSIS", "熵权法", "熵权 TOPSIS"],
    "notebooks/studies/han-2024": ["Han 2024", "韩文龙"],
    "notebooks/studies/li-li-2024": ["projection pursuit", "投影寻踪"],
    "notebooks/studies/wang-wang-2024": ["王珏"],
    "notebooks/studies/yang-hong-2024": ["障碍因子"],
    "notebooks/studies/zou-2024": ["coupling coordination", "耦合协调度"],
    "notebooks/tfp/green": ["green TFP"],
    "notebooks/tfp/malmquist": ["Malmquist index", "DEA 效率", "Malmqist"],
    "notebooks/tfp/solow": ["capital stock perpetual inventory", "全要素生产率", "TFP 增长"],
}

HELD_OUT = {
    "notebooks/comparison/baseline": ["固定效应"],
    "notebooks/comparison/certainty": ["Sobol sensitivity"],
    "notebooks/comparison/multiverse": ["规格曲线"],
    "notebooks/dynamics/clusters": ["local Moran clusters"],
    "notebooks/dynamics/emerging": ["low-altitude economy"],
    "notebooks/dynamics/transitions": ["transition matrix"],
    "notebooks/studies/lu-2024": ["层次分析法"],
    "notebooks/tfp/firms": ["Olley Pakes"],
    "notebooks/tfp/frontier": ["stochastic frontier"],
    "notebooks/tfp/green": ["绿色全要素生产率"],
}
